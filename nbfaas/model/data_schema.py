"""What a function wants its data to be, as JSON Schema made from its signature. Pure."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from nbfaas.agent.annotation import resolve_annotation, wanted
from nbfaas.agent.context import Context
from nbfaas.agent.event import Event
from nbfaas.model.schema_dates import mark_dates

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = "#/$defs/{name}"
_NONE: Any = inspect.Parameter.empty


def data_schema(function: Callable[..., Any]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the data that ``function`` takes.

    It follows ``nbfaas.agent.binding``: a parameter named data is the whole data; those that get
    the event or the context are left out; any other is a field, required if it has no default.
    Annotations may be all that msgspec knows: dataclasses, TypedDicts, Structs, lists, Optional,
    Literal, Enum, datetime, …; what it does not know, and what has no annotation, may be anything.
    """
    whole: list[Any] = []
    fields: dict[str, inspect.Parameter] = {}
    types: dict[str, Any] = {}
    for parameter in _parameters(function):
        annotation = resolve_annotation(parameter.annotation, function)
        kind = wanted(annotation).kind
        if kind in (Event, Context) or parameter.name in ("event", "context"):
            continue
        types[parameter.name] = Any if annotation in (_NONE, None) else annotation
        if parameter.name == "data":
            whole.append(types[parameter.name])
        else:
            fields[parameter.name] = parameter
    schemas, definitions = _schemas(types)
    found: dict[str, Any] = {}
    if fields:
        found = _object(fields, schemas)
    if whole and schemas["data"]:
        data = _inlined(schemas["data"], definitions)
        found = {"allOf": [data, found]} if fields else data
    found = {"$schema": DIALECT, **found}
    if used := _used(found, definitions):
        found["$defs"] = used
    return found


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except Exception:  # noqa: BLE001 - a callable of the user's may raise anything when looked at
        return []
    left_out = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    fixed = getattr(function, "keywords", {})  # of a functools.partial
    return [each for each in parameters if each.kind not in left_out and each.name not in fixed]


def _schemas(types: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of each type, by name, and what they refer to."""
    import msgspec

    def made(of: list[Any]) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
        schemas, definitions = msgspec.json.schema_components(
            of, schema_hook=lambda kind: {}, ref_template=_REFERENCE
        )
        mark_dates(of, schemas, definitions)
        return schemas, definitions

    known = {}
    for name, each in types.items():
        try:
            made([each])
            known[name] = each
        except Exception:  # noqa: BLE001 - annotations may be anything
            known[name] = Any
    schemas, definitions = made(list(known.values()))
    return dict(zip(known, schemas, strict=True)), definitions


def _object(
    fields: Mapping[str, inspect.Parameter], schemas: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    properties, required = {}, []
    for name, parameter in fields.items():
        properties[name] = dict(schemas[name])
        if parameter.default is _NONE:
            required.append(name)
        else:
            properties[name].update(_default(parameter.default))
    found: dict[str, Any] = {"properties": properties}
    # Where all have defaults, data that is no object will do as well.
    return {"type": "object", **found, "required": required} if required else found


def _default(value: Any) -> dict[str, Any]:
    import msgspec

    try:
        return {"default": json.loads(msgspec.json.encode(value))}
    except Exception:  # noqa: BLE001 - a default may be anything; then the form has none
        return {}


def _inlined(schema: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """The definition itself, where the schema only refers to one."""
    if schema.keys() == {"$ref"}:
        return dict(definitions[schema["$ref"].rpartition("/")[2]])
    return schema


def _used(schema: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Those definitions that the schema refers to, directly or by others."""
    used: dict[str, Any] = {}
    looked_at: list[Any] = [schema]
    while looked_at:
        part = looked_at.pop()
        if isinstance(part, list):
            looked_at += part
        elif isinstance(part, dict):
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name in definitions and name not in used:
                used[name] = definitions[name]
                looked_at.append(used[name])
            looked_at += part.values()
    return used
