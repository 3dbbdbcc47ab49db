"""Forms from the hints of handlers, examples for them, and what is wrong with what is typed."""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, TypedDict
from uuid import UUID

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbfaas
from nbfaas import Context, Event
from nbfaas.agent.binding import Binding
from nbfaas.errors import UnknownFunction
from nbfaas.events import example_of, problems, read, schema_of
from nbfaas.events.checking import violations
from nbfaas.model.data_schema import DIALECT


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Line:
    sku: str
    quantity: int = 1
    tags: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Order:
    """An order of the shop."""

    id: str
    lines: list[Line]
    total: Annotated[float, msgspec.Meta(ge=0)]
    placed_at: datetime
    color: Color = Color.RED
    level: Literal[1, 2, "high"] = 2
    paid_at: datetime | None = None
    replaces: Order | None = None


class Address(TypedDict, total=False):
    city: str
    since: date


class Shipment(msgspec.Struct):
    id: UUID
    to: Address
    weight: Decimal
    days: tuple[int, time]
    after: timedelta
    label: bytes
    notes: dict[str, list[str]]
    parts: set[int]
    parent: Shipment | None = None


class Unknown:
    pass


def by_data(data: Order, context): ...
def by_struct(event, data: Shipment): ...
def by_event(event: Event, context: Context): ...
def by_fields(total: float, lines: list[Line], note: str | None = None, event=None): ...
def by_odd(thing: Unknown, other, both: int | Unknown = 3): ...
def by_defaults(n: int = 3, color: Color = Color.BLUE, **rest): ...
def by_both(data: Order, id: str): ...
def by_list(data: list[Line]): ...
def by_typed_dict(data: Address, *args): ...


HANDLERS = [by_data, by_struct, by_event, by_fields, by_odd, by_defaults, by_both, by_list,
            by_typed_dict]  # fmt: skip


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda each: each.__name__)
def test_an_example_is_valid_by_the_schema_and_can_be_bound(handler):
    schema = schema_of(handler)
    assert schema["$schema"] == DIALECT
    jsonschema.Draft202012Validator.check_schema(schema)
    example = example_of(schema)
    jsonschema.Draft202012Validator(schema).validate(example)
    assert violations(schema, example) == []
    assert problems(schema, json.dumps(example)) == []
    assert example_of(schema) == example
    event = Event("typed", example)
    Binding(handler).arguments(event, Context({}, {}, event))


def test_the_examples_are_what_the_types_ask_for():
    order = msgspec.convert(example_of(schema_of(by_data)), Order)
    assert order.placed_at.year == 2026
    assert order.paid_at is not None, "a date is more telling than null"
    assert order.lines[0].sku
    shipment = msgspec.convert(example_of(schema_of(by_struct)), Shipment)
    assert shipment.parent is not None
    assert shipment.parent.parent is None


def test_the_schema_of_data_is_that_of_its_annotation():
    schema = schema_of(by_data)
    assert schema["title"] == "Order"
    assert schema["description"] == "An order of the shop."
    assert schema["required"] == ["id", "lines", "total", "placed_at"]
    assert schema["properties"]["placed_at"]["format"] == "date-time"
    assert schema["properties"]["color"]["default"] == "red"
    assert set(schema["$defs"]) == {"Color", "Line", "Order"}
    assert "format" not in json.dumps(schema["$defs"]["Line"])


def test_parameters_are_the_fields_of_the_data_but_for_event_and_context():
    schema = schema_of(by_fields)
    assert list(schema["properties"]) == ["total", "lines", "note"]
    assert schema["required"] == ["total", "lines"]
    assert schema["properties"]["note"]["default"] is None
    assert schema_of(by_event) == {"$schema": DIALECT}
    assert "type" not in schema_of(by_defaults), "without required fields anything will do"
    assert schema_of(by_defaults)["properties"]["n"] == {"type": "integer", "default": 3}
    assert schema_of(functools.partial(by_fields, total=3))["required"] == ["lines"]
    assert list(schema_of(functools.partial(by_fields, 3))["properties"]) == ["lines", "note"]


def test_what_has_no_schema_may_be_anything():
    schema = schema_of(by_odd)
    assert schema["properties"]["thing"] == {}
    assert schema["properties"]["other"] == {}
    assert schema["required"] == ["thing", "other"]
    assert schema_of(print)["$schema"] == DIALECT


def test_the_form_of_a_function_of_the_session_is_found_by_its_name():
    @nbfaas.remote
    def form_by_name(n: int): ...

    try:
        assert schema_of("form_by_name") == schema_of(form_by_name)
        assert schema_of(form_by_name)["properties"] == {"n": {"type": "integer"}}
        with pytest.raises(UnknownFunction, match="did you mean 'form_by_name'"):
            schema_of("form_by_nam")
    finally:
        del nbfaas.functions["form_by_name"]


# -- the validator, beside the package that knows all of JSON Schema

SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, "", "a", "bb"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["null", "boolean", "integer", "number", "string", "array",
                                 "object", ["integer", "null"]]),
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "const": VALUES,
        "minimum": st.integers(-2, 2),
        "exclusiveMaximum": st.integers(-2, 3),
        "multipleOf": st.sampled_from([1, 2, 0.5]),
        "minLength": st.integers(0, 2),
        "maxLength": st.integers(0, 2),
        "pattern": st.sampled_from(["^a", "b"]),
        "minItems": st.integers(0, 2),
        "maxItems": st.integers(0, 2),
        "uniqueItems": st.booleans(),
        "required": st.lists(st.sampled_from("abc"), unique=True, max_size=2),
        "minProperties": st.integers(0, 2),
        "maxProperties": st.integers(0, 2),
    },
)  # fmt: skip
SCHEMAS = st.recursive(
    LIMITS | st.booleans(),
    lambda inner: st.tuples(
        LIMITS,
        st.fixed_dictionaries(
            {},
            optional={
                "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
                "patternProperties": st.dictionaries(st.sampled_from(["a|b"]), inner, max_size=1),
                "additionalProperties": inner,
                "propertyNames": inner,
                "items": inner,
                "prefixItems": st.lists(inner, min_size=1, max_size=2),
                "anyOf": st.lists(inner, min_size=1, max_size=2),
                "oneOf": st.lists(inner, min_size=1, max_size=2),
                "allOf": st.lists(inner, min_size=1, max_size=2),
                "$ref": st.sampled_from(["#/$defs/x"]),
            },
        ),
    ).map(lambda both: {**both[0], **both[1]}),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(SCHEMAS, VALUES, LIMITS)
def test_a_value_is_valid_exactly_if_jsonschema_says_so(schema, value, referred):
    if isinstance(schema, dict):
        schema = {**schema, "$defs": {"x": referred}}
    valid = jsonschema.Draft202012Validator(schema).is_valid(value)
    found = violations(schema, value)
    assert (not found) == valid, found
    assert all(each.message for each in found)


@pytest.mark.parametrize(
    ("path", "message", "place", "text"),
    [
        ("$", "this is no JSON: expecting ',' delimiter", (3, 1), '{\n  "a": 1\n'),
        ("$", "there is nothing; the least is null or {}", (1, 1), "  "),
        ("$", "JSON has no NaN", (2, 8), '{"a": "NaN",\n  "b": NaN}'),
        ("$.data.total", '"x" is not a number', (2, 12), '{"id": "1", "lines": [],\n  "total": "x",'
         '\n "placed_at": "2026-01-01"}'),
        ("$.data.lines[1].sku", "it is required", (1, 36), '{"id": "1", "lines": [{"sku": ""}, {}],'
         ' "total": 0, "placed_at": "2026-01-01"}'),
        ("$.data.placed_at", '"now" is no date and time, such as 2026-11-23T14:03:00Z', (1, 53),
         '{"id": "1", "lines": [], "total": 0, "placed_at":   "now"}'),
        ("$.data.color", '"green" is none of "blue", "red"', (1, 53),
         '{"id": "1", "lines": [], "total": 0.5,   "color":   "green", "placed_at": "2026-01-01"}'),
    ],
)  # fmt: skip
def test_a_problem_is_told_with_its_path_and_place(path, message, place, text):
    (found,) = problems(schema_of(by_data), text)
    assert (found.path, found.message, (found.line, found.column)) == (path, message, place)
    assert f"(line {place[0]}, column {place[1]})" in str(found)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ('{"type": "a"}', ["$.data"]),
        ('{"type": "a", "data": {"n": 1}}', []),
        ('{"type": "", "data": {"n": 1}}', ["$.type"]),
        ('{"data": {"n": "x"}}', ["$.type", "$.data.n"]),
        ('{"type": "a", "Bad": 1, "time": "soon", "ok": 3, "data": {"n": 1}}', ["$.Bad", "$.time"]),
        ('{"type": "a", "specversion": "0.3", "data": {"n": 1}}', ["$.specversion"]),
        ('{"type": "a", "data_base64": "?"}', ["$.data_base64"]),
        ('{"type": "a", "data_base64": "aGk=", "data": {"n": 1}}', ["$.data_base64"]),
        ('{"type": "a", "ext": {}, "data": {"n": 1}}', ["$.ext"]),
        ("[]", ["$"]),
    ],
)
def test_problems_of_a_whole_event_are_told_attribute_by_attribute(text, paths):
    def handler(n: int): ...

    assert [each.path for each in problems(schema_of(handler), text, of="event")] == paths


def test_a_typed_event_gets_what_was_left_out():
    event = read('{"type": "order.created", "data": {"n": 1}, "tenant": "a", "subject": null}')
    assert (event.type, event.data, event.source) == ("order.created", {"n": 1}, "nbfaas")
    assert event.extensions["tenant"] == "a"
    assert read('{"type": "a", "data_base64": "aGk="}').data == b"hi"
    assert read(event.to_json().decode()) == event
    with pytest.raises(nbfaas.errors.BadEvent, match=r"\$\.type: it is required"):
        read("{}")
    with pytest.raises(nbfaas.errors.BadEvent, match=r"line 1, column 2"):
        read("{")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40) | VALUES.map(json.dumps).flatmap(lambda t: st.integers(0, len(t)).map(
    lambda at: t[:at])))  # fmt: skip
def test_whatever_is_typed_is_answered(text):
    for of in ("data", "event"):
        for each in problems(schema_of(by_data), text, of=of):
            assert each.line >= 1
            assert each.column >= 1


def test_deep_and_long_texts_are_answered():
    assert "deeply" in problems(None, "[" * 100_000)[0].message
    assert "deeply" in problems(None, "[" * 500 + "]" * 500)[0].message
    circle: dict[str, Any] = {"$ref": "#"}
    assert "deeply" in violations(circle, 1)[0].message
    text = json.dumps({"rows": [{"n": i, "s": "x" * 20} for i in range(20_000)], "last": 1})
    (found,) = problems({"properties": {"last": {"type": "string"}}}, text)
    assert found.column == len(text) - 1
