"""Whether a JSON value is what a JSON Schema asks for. Pure.

The part of draft 2020-12 that ``schema_of`` makes, and what people commonly write besides. The
package jsonschema knows all of it, but takes longer to import than a notebook may stand still; the
tests compare with it. Formats are looked at, and unknown keywords mean nothing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

from nbfaas.events.formats import FORMATS

Schema: TypeAlias = Mapping[str, Any]
Steps: TypeAlias = tuple[str | int, ...]

_DEPTH = 60  # of references and values within each other
_SHOWN = 60
_TYPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "null": ("null", lambda value: value is None),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "integer": ("a whole number", lambda value: _is_number(value) and value == math.floor(value)),
    "number": ("a number", lambda value: _is_number(value)),
    "string": ("a text", lambda value: isinstance(value, str)),
    "array": ("a list", lambda value: isinstance(value, list)),
    "object": ("an object", lambda value: isinstance(value, dict)),
}


class Violation(NamedTuple):
    """``steps`` lead to the culprit; of something that is missing, to where it should be."""

    steps: Steps
    message: str


def violations(schema: Any, value: Any) -> list[Violation]:
    """All that is wrong with ``value``, in the order it is written; empty if it is valid."""
    return list(_Checking(schema).check(schema, value, ()))


class _Checking:
    """``root`` is the schema that references refer to."""

    def __init__(self, root: Any) -> None:
        self._root = root

    def check(self, schema: Any, value: Any, at: Steps, depth: int = 0) -> Iterator[Violation]:
        if schema is True or schema == {}:
            return
        if not isinstance(schema, Mapping):
            yield Violation(at, "nothing is allowed here")
            return
        if depth > _DEPTH:
            yield Violation(at, "it is nested too deeply to be checked")
            return
        if (wrong := _wrong_type(schema.get("type"), value)) is not None:
            yield Violation(at, wrong)
            return
        yield from self._alone(schema, value, at)
        if isinstance(value, dict):
            yield from self._object(schema, value, at, depth)
        elif isinstance(value, list):
            yield from self._list(schema, value, at, depth)
        yield from self._combined(schema, value, at, depth)

    def _alone(self, schema: Schema, value: Any, at: Steps) -> Iterator[Violation]:
        """What needs no look at what is inside."""
        if "const" in schema and not same(schema["const"], value):
            yield Violation(at, f"it must be {shown(schema['const'])}")
        if "enum" in schema and not any(same(each, value) for each in schema["enum"]):
            allowed = ", ".join(shown(each) for each in schema["enum"][:10])
            yield Violation(at, f"{shown(value)} is none of {allowed}")
        if isinstance(value, str):
            yield from (Violation(at, wrong) for wrong in _text(schema, value))
        elif _is_number(value):
            yield from (Violation(at, wrong) for wrong in _number(schema, value))
        elif isinstance(value, list | dict):
            kind, noun = ("Items", "items") if isinstance(value, list) else ("Properties", "fields")
            if len(value) < schema.get(f"min{kind}", 0):
                yield Violation(at, f"it needs at least {schema[f'min{kind}']} {noun}")
            if len(value) > schema.get(f"max{kind}", math.inf):
                yield Violation(at, f"it may have at most {schema[f'max{kind}']} {noun}")

    def _object(
        self, schema: Schema, value: dict[str, Any], at: Steps, depth: int
    ) -> Iterator[Violation]:
        properties = schema.get("properties", {})
        patterns = schema.get("patternProperties", {})
        others = schema.get("additionalProperties", True)
        for name in schema.get("required", ()):
            if name not in value:
                yield Violation((*at, name), "it is required")
        for name, inner in value.items():
            here = (*at, name)
            if "propertyNames" in schema:
                for wrong in self.check(schema["propertyNames"], name, here, depth + 1):
                    yield Violation(here, f"its name: {wrong.message}")
            known = name in properties
            if known:
                yield from self.check(properties[name], inner, here, depth + 1)
            for pattern, also in patterns.items():
                if re.search(pattern, name):
                    known = True
                    yield from self.check(also, inner, here, depth + 1)
            if not known and others is False:
                yield Violation(here, "there is no such field")
            elif not known:
                yield from self.check(others, inner, here, depth + 1)

    def _list(self, schema: Schema, value: list[Any], at: Steps, depth: int) -> Iterator[Violation]:
        first = schema.get("prefixItems", ())
        for index, item in enumerate(value):
            inner = first[index] if index < len(first) else schema.get("items", True)
            yield from self.check(inner, item, (*at, index), depth + 1)
        if schema.get("uniqueItems") and _repeats(value):
            yield Violation(at, "an item is there twice")

    def _combined(self, schema: Schema, value: Any, at: Steps, depth: int) -> Iterator[Violation]:
        if (reference := schema.get("$ref")) is not None:
            yield from self.check(self.resolve(reference), value, at, depth + 1)
        for inner in schema.get("allOf", ()):
            yield from self.check(inner, value, at, depth + 1)
        for key in ("anyOf", "oneOf"):
            if (branches := schema.get(key)) is None:
                continue
            found = [list(self.check(inner, value, at, depth + 1)) for inner in branches]
            fitting = sum(not each for each in found)
            if not fitting:
                # The branch that got furthest is the one that was meant.
                yield from max(found, key=lambda each: (len(each[0].steps), -len(each)))
            elif fitting > 1 and key == "oneOf":
                yield Violation(at, "it is several of what it may be one of")

    def resolve(self, reference: str) -> Any:
        """The schema at ``#/$defs/…``; one that is elsewhere allows everything."""
        if not reference.startswith("#"):
            return True
        found = self._root
        for step in reference[1:].split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or step not in found:
                return True
            found = found[step]
        return found


def resolve(root: Any, reference: str) -> Any:
    """The schema that ``reference`` means in the schema ``root``."""
    return _Checking(root).resolve(reference)


def shown(value: Any) -> str:
    """A value as JSON, shortened."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wrong_type(wanted: Any, value: Any) -> str | None:
    names = [wanted] if isinstance(wanted, str) else list(wanted or ())
    if not names or any(name in _TYPES and _TYPES[name][1](value) for name in names):
        return None
    texts = [_TYPES[name][0] if name in _TYPES else name for name in names]
    return f"{shown(value)} is not {' or '.join(texts)}"


def _text(schema: Schema, value: str) -> Iterator[str]:
    if len(value) < schema.get("minLength", 0):
        least = schema["minLength"]
        yield "it must not be empty" if least == 1 else f"it needs at least {least} characters"
    if len(value) > schema.get("maxLength", math.inf):
        yield f"it may have at most {schema['maxLength']} characters"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{shown(value)} does not match {schema['pattern']}"
    name = "base64" if schema.get("contentEncoding") == "base64" else schema.get("format")
    if name in FORMATS and not FORMATS[name].accepts(value):
        yield f"{shown(value)} is no {FORMATS[name].text}, such as {FORMATS[name].example}"


def _number(schema: Schema, value: float) -> Iterator[str]:
    if value < (least := schema.get("minimum", -math.inf)):
        yield f"{shown(value)} is less than {least}"
    if value > (most := schema.get("maximum", math.inf)):
        yield f"{shown(value)} is more than {most}"
    if value <= (above := schema.get("exclusiveMinimum", -math.inf)):
        yield f"{shown(value)} is not more than {above}"
    if value >= (below := schema.get("exclusiveMaximum", math.inf)):
        yield f"{shown(value)} is not less than {below}"
    step = schema.get("multipleOf")
    if step and abs(value / step - round(value / step)) > 1e-9:
        yield f"{shown(value)} is no multiple of {step}"


def _repeats(items: list[Any]) -> bool:
    try:
        ordered = sorted(items)
    except TypeError:
        return any(same(a, b) for i, a in enumerate(items) for b in items[:i])
    return any(same(one, other) for one, other in pairwise(ordered))
