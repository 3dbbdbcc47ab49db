"""A plausible value for a schema: what a form is filled in with at first. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from nbfaas.events.checking import resolve, violations
from nbfaas.events.formats import FORMATS

# By what is in a field's name, the first that fits: a text, and a number.
_BY_NAME: tuple[tuple[str, str, float], ...] = (
    (r"e-?mail", "ada@example.com", 1),
    (r"phone", "+49 30 1234567", 1),
    (r"url|uri|link", "https://example.com/a", 1),
    (r"path|file", "/data/inbox/report.csv", 1),
    (r"currency", "EUR", 1),
    (r"country", "DE", 1),
    (r"city", "Berlin", 1),
    (r"(^|_)(at|time|when)$|timestamp", "2026-11-23T14:03:00Z", 1795442580),
    (r"date|day", "2026-11-23", 20),
    (r"sku|product|item", "LAMP-1", 1),
    (r"total|amount|sum|price|cost", "120.00", 120),
    (r"count|quantity|number|size|^n$", "2", 2),
    (r"status|state", "new", 1),
    (r"message|text|note|comment", "Hello", 1),
    (r"name|customer|user|author|owner", "Ada Lovelace", 42),
    (r"(^|_)id$|key", "A-1001", 1001),
    (r"", "text", 1),
)
_TEXTS = ("text", "Text", "a", "A", "1", "A-1", "abc", "ABC", "A1", "1001", "A-1001", "a.b", "/a",
          "0" * 8, "0" * 32, "0" * 40, "0" * 64)  # fmt: skip


def example_of(schema: Mapping[str, Any]) -> Any:
    """A JSON value that is valid by ``schema``, always the same: its defaults and examples, and
    otherwise what the names of fields suggest. Of texts with a ``pattern`` that nothing common
    matches, and of schemas that contradict themselves, it is not valid."""
    if not schema.keys() - {"$schema", "$defs", "title", "description"}:
        return {}
    return _Making(schema).value(schema, "", ())


class _Making:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def value(self, schema: Any, name: str, inside: tuple[str, ...], nth: int = 0) -> Any:
        """``inside``: the references that led here; ``nth``: of several that must differ."""
        if not isinstance(schema, Mapping):
            schema = {}
        for given in self._given(schema, nth):
            return json.loads(json.dumps(given))
        if (reference := schema.get("$ref")) is not None:
            found = resolve(self._root, reference)
            return self.value(found, name, (*inside, reference), nth)
        for key in ("anyOf", "oneOf"):
            if branches := schema.get(key):
                return self.value(self._branch(branches, inside), name, inside, nth)
        if parts := schema.get("allOf"):
            made = [self.value(each, name, inside, nth) for each in parts]
            if all(isinstance(each, dict) for each in made):
                return {key: value for each in made for key, value in each.items()}
            return made[0]
        return self._of_type(schema, name, inside, nth)

    def _given(self, schema: Mapping[str, Any], nth: int) -> Iterator[Any]:
        if "const" in schema:
            yield schema["const"]
        choices = schema.get("enum") or schema.get("examples")
        if "default" in schema and schema["default"] is not None and not nth:
            yield schema["default"]
        if choices:
            yield choices[nth % len(choices)]

    def _branch(self, branches: list[Any], inside: tuple[str, ...]) -> Any:
        """The first that is not null, and does not lead round in a circle."""
        plain = [each for each in branches if not _is_null(each)]
        ends = [each for each in plain if not self._circles(each, inside)]
        return (ends or [each for each in branches if _is_null(each)] or plain)[0]

    def _circles(self, schema: Any, inside: tuple[str, ...]) -> bool:
        return isinstance(schema, Mapping) and schema.get("$ref") in inside

    def _of_type(
        self, schema: Mapping[str, Any], name: str, inside: tuple[str, ...], nth: int
    ) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((each for each in kind if each != "null"), "null")
        if kind == "object" or (kind is None and "properties" in schema):
            return self._object(schema, inside)
        if kind == "array" or (kind is None and ("items" in schema or "prefixItems" in schema)):
            return self._list(schema, name, inside)
        if kind in ("integer", "number"):
            return _number(schema, name, nth)
        if kind == "boolean":
            return nth % 2 == 0
        return None if kind == "null" else _text(schema, name, nth)

    def _object(self, schema: Mapping[str, Any], inside: tuple[str, ...]) -> dict[str, Any]:
        required = schema.get("required", ())
        properties = schema.get("properties", {})
        made = {}
        for name in dict.fromkeys([*properties, *required]):
            inner = properties.get(name, {})
            if name in required or not self._circles(inner, inside):
                made[name] = self.value(inner, name, inside)
        others = schema.get("additionalProperties", True)
        wanted = max(1 if isinstance(others, Mapping) and others else 0,
                     schema.get("minProperties", 0) - len(made))  # fmt: skip
        if others is not False and not self._circles(others, inside):
            for nth in range(wanted):
                key = self.value(schema.get("propertyNames", {"type": "string"}), "key", (), nth)
                made.setdefault(str(key), self.value(others, "", inside))
        return made

    def _list(self, schema: Mapping[str, Any], name: str, inside: tuple[str, ...]) -> list[Any]:
        made = [self.value(each, name, inside) for each in schema.get("prefixItems", ())]
        items = schema.get("items", {} if not made else False)
        if items is False or self._circles(items, inside):
            return made
        count = max(schema.get("minItems", 0), 1 if not made else 0)
        one = re.sub(r"s$", "", name)
        for nth in range(min(count, schema.get("maxItems", count)) - len(made)):
            made.append(self.value(items, one, inside, nth))
        return made


def _is_null(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "null"


def _suggested(name: str) -> tuple[str, float]:
    return next((text, number) for part, text, number in _BY_NAME if re.search(part, name.lower()))


def _text(schema: Mapping[str, Any], name: str, nth: int) -> str:
    if schema.get("contentEncoding") == "base64":
        return FORMATS["base64"].example
    if (known := FORMATS.get(schema.get("format", ""))) is not None:
        return known.example
    suggested = _suggested(name)[0] + (f"-{nth + 1}" if nth else "")
    least, most = schema.get("minLength", 0), schema.get("maxLength", 10**6)
    for text in (suggested, *_TEXTS):
        fitted: str = (text + "x" * (least - len(text)))[:most]
        if not violations(schema, fitted):
            return fitted
    return suggested


def _number(schema: Mapping[str, Any], name: str, nth: int) -> float:
    step = schema.get("multipleOf", 1)
    suggested = _suggested(name)[1] + nth
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    most = schema.get("maximum", schema.get("exclusiveMaximum", 0))
    candidates = (
        suggested, least + nth, least + 1 + nth, most - nth, most - 1 - nth, (least + most) / 2,
        (least // step + 1 + nth) * step, (most // step - nth) * step, (most // step - 1) * step, 0,
    )  # fmt: skip
    fitting = (each for each in candidates if not violations(schema, each))
    found: float = next(fitting, suggested)
    return int(found) if schema.get("type") == "integer" else found
