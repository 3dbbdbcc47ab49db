"""The OpenAPI 3.1 document of a server, made from what it serves. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbfaas.model.function import Entry
from nbfaas.model.manifest import FunctionManifest

if TYPE_CHECKING:
    from nbfaas.server.routing import ServedFunction
    from nbfaas.triggers.http_source import HttpRoute

_TYPES = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "list": {"type": "array"},
    "dict": {"type": "object"},
}
_CONVERTED = {"int": {"type": "integer"}, "float": {"type": "number"}, "uuid": {"type": "string"}}
_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([A-Za-z_]+))?\}")
_NOT_FROM_DATA = ("event", "context")
_PROBLEM = {"$ref": "#/components/responses/Problem"}


def openapi(functions: Sequence[ServedFunction], routes: Sequence[HttpRoute]) -> dict[str, Any]:
    """The document, as JSON."""
    paths: dict[str, dict[str, Any]] = {}
    for served in functions:
        paths[f"/functions/{served.name}"] = {"post": _call(served)}
    for route in routes:
        path = _PARAMETER.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _route(route)
    paths |= {
        "/invocations/{id}": {"get": _read("What became of a call", "id")},
        "/functions": {"get": _read("The functions that are served")},
        "/events": {
            "post": {
                "summary": "Put CloudEvents on the bus",
                "requestBody": _body({"type": "object"}, "application/cloudevents+json"),
                "responses": {"202": {"description": "Accepted, durably"}, "default": _PROBLEM},
            }
        },
        "/healthz": {"get": {**_read("Whether it is alive"), "security": []}},
        "/readyz": {"get": _read("Whether requests should be sent")},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "nbfaas", "version": "1"},
        "paths": paths,
        "security": [{"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {
                "Problem": {
                    "description": "What went wrong (RFC 9457)",
                    "content": {"application/problem+json": {"schema": {"type": "object"}}},
                }
            },
        },
    }


def parameters_of(manifest: FunctionManifest) -> list[str] | None:
    """The names of the function's parameters, as its source has them, but for event and context;
    None if that can't be told: a handler, or no source."""
    found = _arguments(manifest)
    if found is None:
        return None
    every = [*found.posonlyargs, *found.args, *found.kwonlyargs]
    return [each.arg for each in every if each.arg not in _NOT_FROM_DATA]


def data_schema(manifest: FunctionManifest) -> dict[str, Any]:
    """What the function wants its data to be; anything if that can't be told."""
    found = _arguments(manifest)
    if found is None:
        return {}
    by_position = [*found.posonlyargs, *found.args]
    required = by_position[: len(by_position) - len(found.defaults)]
    required += [
        each
        for each, default in zip(found.kwonlyargs, found.kw_defaults, strict=True)
        if default is None
    ]
    every = [each for each in (*by_position, *found.kwonlyargs) if each.arg not in _NOT_FROM_DATA]
    if any(each.arg == "data" for each in every):
        return {}
    properties = {each.arg: _type(each.annotation) for each in every}
    needed = [each.arg for each in required if each.arg in properties]
    return {"type": "object", "properties": properties, "required": needed}


def _arguments(manifest: FunctionManifest) -> ast.arguments | None:
    if manifest.entry is Entry.HANDLER:
        return None
    try:
        tree = ast.parse(manifest.source)
    except (SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_function and node.name == manifest.function:  # type: ignore[attr-defined]
            return node.args  # type: ignore[attr-defined,no-any-return]
    return None


def _type(annotation: ast.expr | None) -> dict[str, Any]:
    if isinstance(annotation, ast.Subscript):
        annotation = annotation.value
    return dict(_TYPES.get(annotation.id, {})) if isinstance(annotation, ast.Name) else {}


def _call(served: ServedFunction) -> dict[str, Any]:
    return {
        "operationId": f"call_{served.name}",
        "summary": f"Call {served.name} ({served.routing.alias})",
        "parameters": [
            {
                "name": "Prefer",
                "in": "header",
                "schema": {"type": "string"},
                "description": "respond-async, or wait=SECONDS",
            },
            {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}},
        ],
        "requestBody": _body(data_schema(served.routing.first.manifest), "application/json"),
        "responses": {
            "200": {"description": "The result", "content": {"application/json": {"schema": {}}}},
            "202": {"description": "Accepted, durably; status_url tells what becomes of it"},
            "default": _PROBLEM,
        },
    }


def _route(route: HttpRoute) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": f"The trigger {route.trigger}",
        "parameters": [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": _CONVERTED.get(kind, {"type": "string"}),
            }
            for name, kind in _PARAMETER.findall(route.path)
        ],
        "responses": {
            "202" if route.respond == "async" else "200": {"description": "The answer"},
            "default": _PROBLEM,
        },
    }
    return described if route.auth else {**described, "security": []}


def _read(summary: str, *parameters: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in parameters
        ],
        "responses": {
            "200": {
                "description": summary,
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            "default": _PROBLEM,
        },
    }


def _body(schema: dict[str, Any], media: str) -> dict[str, Any]:
    return {"content": {media: {"schema": schema}}}
