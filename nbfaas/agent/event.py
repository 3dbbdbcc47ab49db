"""``Event``: a CloudEvent (specification 1.0.2), as functions receive it and as the host keeps it.

It lies in the agent because handlers need it in the sandbox; standard library only.
"""

from __future__ import annotations

import base64
import json
import os
import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from nbfaas.agent.units import with_article

JSON_TYPE = "application/json"
_EXTENSION = re.compile(r"[a-z0-9]{1,20}")
_KNOWN = frozenset(
    {
        "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema",
        "data", "data_base64",
    }
)  # fmt: skip


class BadEvent(ValueError):
    """Something is no CloudEvent: an attribute is missing or of the wrong type, or the data is
    neither JSON nor bytes."""


class Event:
    """One thing that happened. Immutable.

    ``data`` is a JSON value (None, bool, int, float, str, list, dict with str keys), or ``bytes``
    of the media type ``datacontenttype``. ``source`` + ``id`` name the event: two with the same are
    the same event. ``extensions`` are further attributes (names of lower-case letters and digits;
    str, int or bool). Raises ``BadEvent``.
    """

    __slots__ = (
        "data", "datacontenttype", "dataschema", "extensions", "id", "source", "subject", "time",
        "type",
    )  # fmt: skip

    id: str
    source: str
    type: str
    subject: str | None
    time: datetime
    """Aware; now, if none is given."""
    datacontenttype: str | None
    dataschema: str | None
    data: Any
    extensions: Mapping[str, str | int | bool]

    def __init__(
        self,
        type: str,  # noqa: A002 - the attribute's name in the specification
        data: Any = None,
        *,
        source: str = "nbfaas",
        id: str | None = None,  # noqa: A002
        subject: str | None = None,
        time: datetime | str | None = None,
        datacontenttype: str | None = None,
        dataschema: str | None = None,
        extensions: Mapping[str, str | int | bool] | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "type", _text("type", type))
        put(self, "source", _text("source", source))
        put(self, "id", new_id() if id is None else _text("id", id))
        put(self, "subject", None if subject is None else _text("subject", subject))
        put(self, "time", _time(time))
        if datacontenttype is None and isinstance(data, bytes):
            datacontenttype = "application/octet-stream"
        for name, value in (("datacontenttype", datacontenttype), ("dataschema", dataschema)):
            put(self, name, None if value is None else _text(name, value))
        if not isinstance(data, bytes):
            _check_json(data, "data")
        put(self, "data", data)
        put(self, "extensions", _extensions(extensions or {}))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an Event is immutable; Event.replace({name}=…) makes another one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("an Event is immutable")

    def replace(self, **changes: Any) -> Event:
        """The same event with some attributes changed."""
        given = {name: getattr(self, name) for name in self.__slots__}
        return Event(**{**given, **changes})

    # -- JSON, the structured mode of the specification

    def to_dict(self) -> dict[str, Any]:
        """The JSON event format: attributes, extensions, and ``data`` or ``data_base64``."""
        found: dict[str, Any] = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "time": format_time(self.time),
        }
        for name in ("subject", "datacontenttype", "dataschema"):
            if (value := getattr(self, name)) is not None:
                found[name] = value
        found.update(self.extensions)
        if isinstance(self.data, bytes):
            found["data_base64"] = base64.b64encode(self.data).decode()
        elif self.data is not None:
            found["data"] = self.data
        return found

    def to_json(self) -> bytes:
        return json.dumps(
            self.to_dict(), ensure_ascii=False, allow_nan=False, separators=(",", ":")
        ).encode()

    @classmethod
    def from_dict(cls, found: object) -> Event:
        """The event of a JSON object. Raises ``BadEvent``, naming the attribute."""
        if not isinstance(found, Mapping):
            raise BadEvent("a CloudEvent is a JSON object")
        version = found.get("specversion")
        if version != "1.0":
            raise BadEvent(f"specversion is {version!r}; CloudEvents 1.0 are understood")
        for name in ("id", "source", "type"):
            if name not in found:
                raise BadEvent(f"{name!r} is missing; every CloudEvent has one")
        data = found.get("data")
        if "data_base64" in found:
            if "data" in found:
                raise BadEvent("it has both 'data' and 'data_base64'; give one of them")
            try:
                data = base64.b64decode(found["data_base64"], validate=True)
            except (TypeError, ValueError):
                raise BadEvent("data_base64 is not base64") from None
        attributes = ("id", "source", "type", "subject", "time", "datacontenttype", "dataschema")
        return cls(
            data=data,
            extensions={k: v for k, v in found.items() if k not in _KNOWN and v is not None},
            **{name: found[name] for name in attributes if found.get(name) is not None},
        )

    @classmethod
    def from_json(cls, text: bytes | str) -> Event:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadEvent(f"it is no JSON: {error}") from None
        return cls.from_dict(found)

    # -- as a value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.source, self.id))

    def __repr__(self) -> str:
        subject = "" if self.subject is None else f" subject {self.subject!r}"
        return f"<Event {self.type} from {self.source!r} id {self.id!r}{subject}>"

    def __reduce__(self) -> Any:
        return restore, (self.to_dict(),)


def restore(found: dict[str, Any]) -> Event:
    """What a pickled Event is rebuilt with."""
    return Event.from_dict(found)


# Seeded by the system once: asking it for each id would give up the interpreter's lock each time.
_random = random.Random()  # noqa: S311 - ids are no secrets
os.register_at_fork(after_in_child=_random.seed)


def new_id() -> str:
    """A random UUID (RFC 9562, version 4)."""
    digits = f"{_random.getrandbits(128):032x}"  # by hand: UUID() takes three times as long
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def format_time(time: datetime) -> str:
    """RFC 3339, with ``Z`` for UTC."""
    if time.tzinfo is UTC:  # as nearly always
        return time.isoformat()[:-6] + "Z"
    offset = time.utcoffset()
    if offset is None or offset % _MINUTE:
        time = time.astimezone(UTC)  # RFC 3339 has no offsets of seconds
    text = time.isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else text


_MINUTE = timedelta(minutes=1)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise BadEvent(f"{name} is {value!r}; it must be a str that is not empty")
    _check_text(value, name)
    return value


def _time(value: object) -> datetime:
    if value is None:
        return datetime.now(UTC)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise BadEvent(f"time is {value!r}; RFC 3339 is '2026-11-23T14:03:00Z'") from None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise BadEvent(f"time is {value!r}; it must be a datetime with a timezone")
    return value


def _extensions(given: Mapping[str, Any]) -> Mapping[str, str | int | bool]:
    for name, value in given.items():
        if not isinstance(name, str) or not _EXTENSION.fullmatch(name) or name in _KNOWN:
            raise BadEvent(
                f"{name!r} can't be the name of an extension attribute: up to 20 lower-case "
                "letters and digits, and none of CloudEvents' own names"
            )
        if not isinstance(value, str | int | bool):
            raise BadEvent(f"the extension {name} is {value!r}; it must be a str, int or bool")
        if isinstance(value, str):
            _check_text(value, name)
        else:
            _check_int(value, name)
    return MappingProxyType(dict(given))


def _check_text(value: str, path: str) -> None:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadEvent(f"{path} is no text: it holds half of a surrogate pair") from None


def _check_int(value: int, path: str) -> None:
    if value.bit_length() > _LARGEST_INT:
        raise BadEvent(f"{path} is an integer of more than 4,000 digits; give it as a text")


_LEAVES = frozenset({type(None), bool})
_LARGEST_INT = 14_000  # bits; Python writes and reads no integers of more than 4,300 digits


def _check_json(value: object, path: str, depth: int = 0) -> None:
    """Exact types only: a subclass (numpy.float64, IntEnum) would come back as another type."""
    kind = type(value)
    if kind in _LEAVES:
        return
    if kind is str:
        _check_text(value, path)  # type: ignore[arg-type]
        return
    if kind is int:
        _check_int(value, path)  # type: ignore[arg-type]
        return
    if kind is float:
        if value != value or value in (float("inf"), float("-inf")):
            raise BadEvent(f"{path} is {value!r}, which JSON does not have")
        return
    if depth > 100:
        raise BadEvent(f"{path[:80]}… is nested too deeply")
    if kind is list:
        items: list[object] = value  # type: ignore[assignment]
        for index, item in enumerate(items):
            _check_json(item, f"{path}[{index}]", depth + 1)
        return
    if kind is dict:
        members: dict[object, object] = value  # type: ignore[assignment]
        for key, member in members.items():
            if type(key) is not str:
                raise BadEvent(f"{path} has the key {key!r}; keys of JSON are str")
            _check_text(key, f"a key of {path}")
            _check_json(member, f"{path}.{key}", depth + 1)
        return
    raise BadEvent(
        f"{path} is {with_article(f'{kind.__module__}.{kind.__qualname__}')}; the data of an event "
        "is JSON (None, bool, int, float, str, list, dict) or, as a whole, bytes"
    )
