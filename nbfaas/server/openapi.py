"""The OpenAPI 3.1 document of a server, made from what it serves. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbfaas.server.openapi_data import data_schema_of, request_of

if TYPE_CHECKING:
    from nbfaas.server.routing import ServedFunction
    from nbfaas.triggers.http_source import HttpRoute

_CONVERTED = {"int": {"type": "integer"}, "float": {"type": "number"}, "uuid": {"type": "string"}}
_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([A-Za-z_]+))?\}")
_PROBLEM = {"$ref": "#/components/responses/Problem"}


def openapi(functions: Sequence[ServedFunction], routes: Sequence[HttpRoute]) -> dict[str, Any]:
    """The document, as JSON."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {}
    for served in functions:
        paths[f"/functions/{served.name}"] = {"post": _call(served, schemas)}
    targets = {
        spec.name: served
        for served in functions
        if served.name == served.function
        for spec in served.routing.first.manifest.triggers
        if spec.transform is None  # what it makes of the request is not known
    }
    for route in routes:
        path = _PARAMETER.sub(r"{\1}", route.path)
        target = targets.get(route.trigger)
        paths.setdefault(path, {})[route.method.lower()] = _route(route, target, schemas)
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
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {
                "Problem": {
                    "description": "What went wrong (RFC 9457)",
                    "content": {"application/problem+json": {"schema": {"type": "object"}}},
                }
            },
        },
    }


def _call(served: ServedFunction, schemas: dict[str, Any]) -> dict[str, Any]:
    doc = served.routing.first.manifest.doc
    return {
        "operationId": f"call_{served.name}",
        "summary": f"Call {served.name} ({served.routing.alias})",
        **({"description": doc} if doc else {}),
        "parameters": [
            {
                "name": "Prefer",
                "in": "header",
                "schema": {"type": "string"},
                "description": "respond-async, or wait=SECONDS",
            },
            {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}},
        ],
        "requestBody": _body(data_schema_of(served, schemas), "application/json"),
        "responses": {
            "200": {"description": "The result", "content": {"application/json": {"schema": {}}}},
            "202": {"description": "Accepted, durably; status_url tells what becomes of it"},
            "default": _PROBLEM,
        },
    }


def _route(
    route: HttpRoute, served: ServedFunction | None, schemas: dict[str, Any]
) -> dict[str, Any]:
    in_path = _PARAMETER.findall(route.path)
    query: list[dict[str, Any]] = []
    body = None
    if served is not None:
        query, body = request_of(route.method, [name for name, _ in in_path], served, schemas)
    described: dict[str, Any] = {
        "summary": f"The trigger {route.trigger}",
        "parameters": [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": _CONVERTED.get(kind, {"type": "string"}),
            }
            for name, kind in in_path
        ]
        + query,
        "responses": {
            "202" if route.respond == "async" else "200": {"description": "The answer"},
            "default": _PROBLEM,
        },
    }
    if body is not None:
        described["requestBody"] = _body(body, "application/json")
    if served is not None and (doc := served.routing.first.manifest.doc):
        described["description"] = doc
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
