"""Templates of events: ``template("s3.object-created", bucket="photos")``.

A template is a JSON file: its parameters (as JSON Schema, with ``description``, and a ``default``
or how it is ``generated``), and the event, in which ``"{key}"`` stands for a parameter's value, and
``"{key}"`` within a longer text for its text, perhaps changed: ``"{folder:path}"``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from nbfaas.agent.event import Event, format_time
from nbfaas.errors.simulator import BadTemplateParameter, UnknownTemplate, nearest
from nbfaas.events.checking import violations
from nbfaas.rules.places import ROOT, inside

ATTRIBUTES = (
    "type", "source", "subject", "id", "time", "data", "datacontenttype", "dataschema",
    "extensions",
)  # fmt: skip
"""What can be changed of any template, besides its parameters."""

_SUFFIX = ".json"
_PLACE = re.compile(r"\{(\w+)(?::(\w+))?\}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_GENERATED: dict[str, Callable[[datetime], str]] = {
    "now": datetime.isoformat,
    "second": lambda now: now.replace(microsecond=0).isoformat(),
    "minute": lambda now: now.replace(second=0, microsecond=0).isoformat(),
    "entry": lambda now: f"{(now - _EPOCH) // timedelta(milliseconds=1)}-0",
}
_CHANGED: dict[str, Callable[[str], str]] = {
    "path": lambda text: quote(text, safe="/"),
    "quoted": lambda text: quote(text, safe=":"),
    "last": lambda text: text.rpartition("/")[2],
    "utc": lambda text: format_time(_moment(text)),
    "nanoseconds": lambda text: str((_moment(text) - _EPOCH) // timedelta(microseconds=1) * 1000),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """``schema`` is the JSON Schema of its value. ``default`` is that of now, where it is
    ``generated``."""

    name: str
    description: str
    schema: Mapping[str, Any]
    generated: str | None

    @property
    def default(self) -> Any:
        if self.generated is not None:
            return _GENERATED[self.generated](datetime.now(UTC))
        return json.loads(json.dumps(self.schema["default"]))

    def __repr__(self) -> str:
        default = f"now ({self.generated})" if self.generated else repr(self.schema["default"])
        return f"{self.name}={default}: {self.description}"


@dataclass(frozen=True, slots=True)
class Template:
    """``fill(bucket=…)`` makes an event of it."""

    name: str
    description: str
    parameters: Mapping[str, Parameter]
    event: Mapping[str, Any]

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the parameters together, for a form."""
        properties = {name: dict(each.schema) for name, each in self.parameters.items()}
        return {"type": "object", "properties": properties, "additionalProperties": False}

    def fill(self, changes: Mapping[str, Any]) -> Event:
        """The event with these parameters, or attributes of an event. Raises
        ``BadTemplateParameter`` and ``BadEvent``."""
        known = dict.fromkeys([*self.parameters, *ATTRIBUTES])
        for name in changes:
            if name not in known:
                problem = f"there is no such parameter; {nearest(name, known)}"
                raise BadTemplateParameter(self.name, name, problem)
        values = {
            name: self._checked(each, changes[name]) if name in changes else each.default
            for name, each in self.parameters.items()
        }
        found = {k: v for k, v in _filled(self.event, values).items() if v is not None}
        attributes = {name: found.pop(name) for name in ATTRIBUTES if name in found}
        event = Event(**attributes, extensions=found)
        others = {name: changes[name] for name in changes if name not in self.parameters}
        return event.replace(**others) if others else event

    def _checked(self, parameter: Parameter, value: Any) -> Any:
        if isinstance(value, datetime) and parameter.schema.get("format") == "date-time":
            value = value.isoformat()
        for wrong in violations(parameter.schema, value):
            place = ROOT
            for step in wrong.steps:
                place = inside(place, step)
            at = f" at {place}" if wrong.steps else ""
            raise BadTemplateParameter(self.name, parameter.name, f"{wrong.message}{at}")
        return value

    def __repr__(self) -> str:
        lines = [f"{self.name}: {self.description}", *map(repr, self.parameters.values())]
        return "\n    ".join(lines)


class Templates(tuple[Template, ...]):
    """The templates; its repr is a page of help."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n".join(map(repr, self))


def template(name: str, /, **changes: Any) -> Event:
    """A new event made from the template ``name``; ``changes`` are its parameters (see
    ``templates()``), or attributes of an event (``source=``, ``subject=``, ``data=``, …).

    Each call makes an event with an id of its own, as far as the real source would: a schedule's
    has one id for each minute. Raises ``UnknownTemplate``, ``BadTemplateParameter``, ``BadEvent``.
    """
    known = _templates()
    if name not in known:
        raise UnknownTemplate(name, known)
    return known[name].fill(changes)


def templates() -> Templates:
    """All templates, with their descriptions and parameters."""
    return Templates(_templates().values())


@cache
def _templates() -> dict[str, Template]:
    folder = files(__package__).joinpath("templates")
    found = {
        each.name.removesuffix(_SUFFIX): json.loads(each.read_text("utf-8"))
        for each in folder.iterdir()
        if each.name.endswith(_SUFFIX)
    }
    first = ["cloudevent"]
    names = first + sorted(found.keys() - set(first))
    return {name: _template(name, found[name]) for name in names}


def _template(name: str, read: Mapping[str, Any]) -> Template:
    parameters = {
        each: Parameter(
            each, schema["description"], {k: v for k, v in schema.items() if k != "generated"},
            schema.get("generated"),
        )
        for each, schema in read["parameters"].items()
    }  # fmt: skip
    return Template(name, read["description"], parameters, read["event"])


def _filled(part: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(part, dict):
        return {key: _filled(inner, values) for key, inner in part.items()}
    if isinstance(part, list):
        return [_filled(inner, values) for inner in part]
    if not isinstance(part, str):
        return part
    whole = _PLACE.fullmatch(part)
    if whole is not None and whole[2] is None:
        return values[whole[1]]
    return _PLACE.sub(lambda place: _text(values[place[1]], place[2]), part)


def _text(value: Any, change: str | None) -> str:
    return str(value) if change is None else _CHANGED[change](str(value))


def _moment(text: str) -> datetime:
    """Aware; a time without a timezone is meant in UTC."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
