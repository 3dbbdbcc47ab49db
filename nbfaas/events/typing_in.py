"""Events as they are typed in: what is wrong with a JSON text, and where; and the event it makes.
Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from nbfaas.agent.event import BadEvent, Event
from nbfaas.events.checking import Steps, violations
from nbfaas.events.positions import line_and_column, place_of
from nbfaas.rules.places import ROOT, inside

_CORE = ("id", "source", "type", "subject", "time", "datacontenttype", "dataschema")
_OWN = frozenset({*_CORE, "specversion", "data", "data_base64"})
# Constants that Python's parser takes for JSON; those inside of texts are skipped.
_NO_JSON = re.compile(r'"(?:\\.|[^"\\])*"|(-?Infinity|NaN)')


@dataclass(frozen=True, slots=True)
class Problem:
    """``path`` leads to it in the event, as in patterns: ``$.data.total``; ``line`` and ``column``,
    from 1, in the text. Of a field that is missing, they are those of the object around it."""

    path: str
    message: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}: {self.message} (line {self.line}, column {self.column})"


def problems(
    schema: Mapping[str, Any] | None, text: str, of: Literal["data", "event"] = "data"
) -> list[Problem]:
    """What is wrong with a JSON text; empty if nothing is. It is quick enough to be asked at every
    key that is pressed.

    ``of="data"``: the text is the data of an event; ``"event"``: a whole CloudEvent, of which
    specversion, id, source and time may be left out. ``schema`` is that of the data (see
    ``schema_of``); None: any will do. Of a text that is no JSON, only the first place is told.
    """
    try:
        value = _parsed(text)
    except _NotJson as error:
        return [error.problem]
    found = _of_event(schema, value) if of == "event" else _of_data(schema, value, ())
    return [Problem(_path(path), message, *place_of(text, steps)) for path, steps, message in found]


def read(text: str) -> Event:
    """The event of a CloudEvent typed as JSON; specversion, id, source and time may be left out.
    Raises ``BadEvent``, with the first of the ``problems``."""
    for problem in problems(None, text, of="event"):
        raise BadEvent(str(problem))
    given = {name: value for name, value in json.loads(text).items() if value is not None}
    attributes = {name: given[name] for name in _CORE if name in given}
    extensions = {name: value for name, value in given.items() if name not in _OWN}
    binary = {name: given[name] for name in ("data", "data_base64") if name in given}
    event = Event(**attributes, extensions=extensions)
    return Event.from_dict({**event.to_dict(), **binary})


_Found = tuple[Steps, Steps, str]
"""Where in the event, where in the text, and what."""


class _NotJson(Exception):
    def __init__(self, text: str, at: int, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(ROOT, message, *line_and_column(text, at))


def _parsed(text: str) -> Any:
    def no_constant(name: str) -> NoReturn:
        places = (each.start(1) for each in _NO_JSON.finditer(text) if each[1])
        raise _NotJson(text, next(places, 0), f"JSON has no {name}")

    if not text.strip():
        raise _NotJson(text, 0, "there is nothing; the least is null or {}")
    try:
        return json.loads(text, parse_constant=no_constant)
    except json.JSONDecodeError as error:
        message = f"this is no JSON: {error.msg[0].lower()}{error.msg[1:]}"
        raise _NotJson(text, error.pos, message) from None
    except RecursionError:
        raise _NotJson(text, 0, "it is nested too deeply") from None
    except ValueError as error:  # a number of more digits than Python reads
        raise _NotJson(text, 0, str(error)) from None


def _of_data(schema: Any, data: Any, where: Steps) -> Iterator[_Found]:
    try:
        Event("typed", data)
    except BadEvent as error:  # too deep, half a surrogate pair
        yield ("data",), where, str(error)
    if schema is not None:
        for steps, message in violations(schema, data):
            yield ("data", *steps), (*where, *steps), message


def _of_event(schema: Any, value: Any) -> Iterator[_Found]:
    if not isinstance(value, dict):
        yield (), (), "a CloudEvent is a JSON object"
        return
    if value.get("type") is None:
        yield ("type",), ("type",), "it is required: what has happened, such as order.created"
    if value.get("specversion", "1.0") != "1.0":
        yield ("specversion",), ("specversion",), "it is '1.0', or left out"
    for name, given in value.items():
        if given is not None and name not in ("data", "specversion"):
            for message in _of_attribute(name, given, value):
                yield (name,), (name,), message
    if "data" in value:
        yield from _of_data(schema, value["data"], ("data",))
    elif "data_base64" not in value and schema is not None:
        yield from _of_data(schema, None, ("data",))


def _of_attribute(name: str, given: Any, event: Mapping[str, Any]) -> Iterator[str]:
    try:
        if name == "data_base64":
            both = {each: event[each] for each in ("data", name) if each in event}
            Event.from_dict({**Event("typed").to_dict(), **both})
        elif name in _CORE:
            Event(**{"type": "typed", name: given})
        else:
            Event("typed", extensions={name: given})
    except BadEvent as error:
        yield str(error)


def _path(steps: Steps) -> str:
    path = ROOT
    for step in steps:
        path = inside(path, step)
    return path
