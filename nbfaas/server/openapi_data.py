"""What functions want their data to be, as an OpenAPI document tells it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nbfaas.model.manifest import FunctionManifest

if TYPE_CHECKING:
    from nbfaas.server.routing import ServedFunction

_DEFINITION = "#/$defs/"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]")
_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


def parameters_of(manifest: FunctionManifest) -> list[str] | None:
    """The names of the fields that the function's signature names; None if that can't be told: a
    handler, or a function that was deployed by an nbfaas that did not note it."""
    schema = manifest.data_schema
    if schema is None:
        return None
    parts = [schema, *(each for each in schema.get("allOf", ()) if isinstance(each, dict))]
    return [name for each in parts for name in each.get("properties", {})]


def data_schema_of(served: ServedFunction, schemas: dict[str, Any]) -> dict[str, Any]:
    """The schema of its data; what that refers to is put to ``schemas``, the components, by names
    that no other function's types have."""
    found = served.routing.first.manifest.data_schema or {}
    definitions = found.get("$defs", {})
    names = {
        _DEFINITION + name: _NOT_IN_NAMES.sub("_", f"{served.name}.{name}") for name in definitions
    }

    def moved(part: Any) -> Any:
        if isinstance(part, list):
            return [moved(each) for each in part]
        if not isinstance(part, dict):
            return part
        told = {key: moved(each) for key, each in part.items()}
        reference = part.get("$ref")
        if isinstance(reference, str) and reference in names:
            told["$ref"] = f"#/components/schemas/{names[reference]}"
        return told

    for name, schema in definitions.items():
        schemas[names[_DEFINITION + name]] = moved(schema)
    return {key: moved(each) for key, each in found.items() if key not in ("$schema", "$defs")}


def request_of(
    method: str, in_path: list[str], served: ServedFunction, schemas: dict[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The parameters of the query, and the schema of the body, of a route that leads to it. A field
    that is not in the path is taken from the query, or from the body of methods that have one."""
    schema = data_schema_of(served, schemas)
    fields = {
        name: each for name, each in schema.get("properties", {}).items() if name not in in_path
    }
    if not fields:
        return [], None
    required = [name for name in schema.get("required", ()) if name in fields]
    if method not in _WITHOUT_BODY:
        return [], {"type": "object", "properties": fields, "required": required}
    return [
        {"name": name, "in": "query", "required": name in required, "schema": each}
        for name, each in fields.items()
    ], None
