"""Which version a request gets, and what the OpenAPI document tells of functions."""

from __future__ import annotations

import json
from collections import Counter

import msgspec
import pytest
from manifests import a_manifest
from openapi_spec_validator import OpenAPIV31SpecValidator

from nbfaas.catalog import Alias
from nbfaas.model.function import Entry, FunctionOptions, FunctionVersion
from nbfaas.model.manifest import FunctionManifest
from nbfaas.server.openapi import data_schema, openapi, parameters_of
from nbfaas.server.routing import Routing, ServedFunction, name_of, trigger_of
from nbfaas.triggers.http_source import HttpRoute
from nbfaas.triggers.targets import SplitTarget

SOURCE = """
def thumb(path: str, width: int = 100, *, tags: list[str], context=None):
    return path
"""


class Version:
    def __init__(self, label: str, manifest: FunctionManifest) -> None:
        self.manifest = manifest
        self._version = FunctionVersion.make("thumb", label.encode(), FunctionOptions())

    def version(self) -> FunctionVersion:
        return self._version


def told(source: str = SOURCE, entry: Entry = Entry.FUNCTION) -> FunctionManifest:
    return msgspec.structs.replace(a_manifest(), function="thumb", source=source, entry=entry)


def served(weight: float) -> ServedFunction:
    alias = Alias("thumb", "prod", 1, 2, weight, 0.0)
    versions = {1: Version("a", told()), 2: Version("b", told())}
    return ServedFunction("thumb", "thumb", "prod", Routing(alias, versions))


def test_a_canary_gets_its_share_and_a_key_always_the_same():
    function = served(0.1)
    assert isinstance(function, SplitTarget)
    keys = [f"event-{number}" for number in range(5000)]
    counts = Counter(function.choose(key)[0] for key in keys)
    assert 400 < counts["v2"] < 600
    assert all(function.choose(key) == function.choose(key) for key in keys[:50])
    assert function.version_for(keys[0]) == function.choose(keys[0])[1]


def test_the_trigger_of_a_reference_tells_the_reference():
    assert name_of(trigger_of("thumb:v2")) == "thumb:v2"
    assert name_of("thumb-http") is None


def test_the_schema_of_the_data_is_the_signatures():
    assert parameters_of(told()) == ["path", "width", "tags"]
    assert data_schema(told()) == {
        "type": "object",
        "properties": {
            "path": {"type": "string"},
            "width": {"type": "integer"},
            "tags": {"type": "array"},
        },
        "required": ["path", "tags"],
    }


@pytest.mark.parametrize(
    ("source", "entry"),
    [
        ("def handler(event, context): ...", Entry.HANDLER),
        ("thumb = lambda x: x", Entry.FUNCTION),
        ("def thumb(:", Entry.FUNCTION),
        ("def thumb(data): ...", Entry.FUNCTION),
    ],
)
def test_what_can_t_be_told_may_be_anything(source, entry):
    assert data_schema(told(source, entry)) == {}


def test_the_document_is_openapi():
    routes = [
        HttpRoute("GET", "/orders/{id:int}", "orders", "sync", 30.0, True),
        HttpRoute("POST", "/orders/{id:int}", "open", "async", 30.0, False),
    ]
    document = openapi([served(0.1)], routes)
    assert json.loads(json.dumps(document)) == document
    OpenAPIV31SpecValidator(document).validate()
    orders = document["paths"]["/orders/{id}"]
    assert orders["get"]["parameters"][0]["schema"] == {"type": "integer"}
    assert orders["post"]["security"] == []
    call = document["paths"]["/functions/thumb"]["post"]
    assert call["requestBody"]["content"]["application/json"]["schema"]["required"]
