"""Messages of queues as events. Whatever a message holds, it becomes an event: what can't be
decoded is delivered as bytes, so that no message can stop its stream."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from nbfaas.agent.event import Event, format_time

MESSAGE_TYPE = "nbfaas.queue.message"
STRUCTURED = "application/cloudevents+json"
_PREFIX = "ce-"


@dataclass(frozen=True, slots=True)
class Message:
    """``plain`` is the message as an event of type ``nbfaas.queue.message``. ``upstream`` is the
    CloudEvent that the message holds, if it holds one."""

    plain: Event
    upstream: Event | None = None

    @property
    def event(self) -> Event:
        return self.upstream or self.plain

    def otherwise(self) -> Iterator[Event]:
        """What to hand in instead, in this order, if another event has the source and id of
        ``event``: the message must not be lost only because its sender used an id again. The same
        message always leads to the same events."""
        if self.upstream is not None:
            yield self.plain
        digest = hashlib.sha256(self.plain.to_json()).hexdigest()[:16]
        yield self.plain.replace(id=f"{self.plain.id}#{digest}")


def from_fields(
    pairs: Sequence[tuple[bytes, bytes]],
    *,
    source: str,
    id: str,  # noqa: A002
    subject: str,
    time: datetime,
) -> Message:
    """The message of field/value pairs. Values are str where they are UTF-8, else ``{"base64": …}``
    (and a name that is not UTF-8 is ``base64:…``); a field that is there several times has a list.
    """  # fmt: skip
    data: dict[str, Any] = {}
    for name, value in pairs:
        key, shown = _field_name(name), _field_value(value)
        if key not in data:
            data[key] = shown
        elif isinstance(data[key], list):
            data[key].append(shown)
        else:
            data[key] = [data[key], shown]
    upstream = None
    if len(pairs) == 1 and pairs[0][0] in (b"event", b"data"):
        upstream = _structured(pairs[0][1], time)
    return Message(
        Event(MESSAGE_TYPE, data, source=source, id=id, subject=subject, time=time), upstream
    )


def from_body(
    body: bytes,
    headers: Mapping[str, str],
    *,
    source: str,
    id: str,  # noqa: A002
    subject: str,
    time: datetime,
) -> Message:
    """The message of a body with headers. The data is the JSON of the body, a str if its content
    type is ``text/…``, or else bytes; the headers are kept as JSON in the extension ``headers``."""
    found = {name.lower(): _text(value) for name, value in headers.items()}
    content_type = found.get("content-type") or None
    upstream = None
    if content_type is not None and content_type.lower().startswith(STRUCTURED):
        upstream = _structured(body, time)
    elif f"{_PREFIX}specversion" in found:
        upstream = _binary(body, found, content_type, time)
    extensions = {"headers": json.dumps(dict(headers))} if headers else {}

    def plain(data: Any) -> Event:
        return Event(
            MESSAGE_TYPE, data, source=source, id=id, subject=subject, time=time,
            datacontenttype=content_type, extensions=extensions,
        )  # fmt: skip

    try:
        return Message(plain(_data(body, content_type)), upstream)
    except (ValueError, RecursionError):
        return Message(plain(body), upstream)


def _structured(text: bytes, time: datetime) -> Event | None:
    """The event of a CloudEvent in JSON, None if it is none. Where it has no time, it gets the
    message's: an event that is handed in again has to be the same."""
    try:
        found = json.loads(text)
        if not isinstance(found, dict):
            return None
        if found.get("time") is None:
            found["time"] = format_time(time)
        return Event.from_dict(found)
    except (ValueError, RecursionError):
        return None


def _binary(
    body: bytes, headers: Mapping[str, str], content_type: str | None, time: datetime
) -> Event | None:
    """The event whose attributes are in the headers; None if they don't make one."""
    attributes = {
        name.removeprefix(_PREFIX): unquote(value)
        for name, value in headers.items()
        if name.startswith(_PREFIX)
    }
    data = _data(body, content_type) if body else None
    try:
        event = Event.from_dict({"time": format_time(time), **attributes})
        return event.replace(data=data, datacontenttype=content_type)
    except (ValueError, RecursionError):
        return None


def _data(body: bytes, content_type: str | None) -> Any:
    media = (content_type or "").split(";")[0].strip().lower()
    try:
        if not media or media == "application/json" or media.endswith("+json"):
            return json.loads(body)
        return body.decode() if media.startswith("text/") else body
    except (ValueError, RecursionError):
        return body


def _text(value: str) -> str:
    """Without halves of surrogate pairs, by which clients keep bytes that are not UTF-8."""
    return value.encode(errors="replace").decode()


def _field_value(value: bytes) -> str | dict[str, str]:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _field_name(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        return f"base64:{base64.b64encode(name).decode()}"
