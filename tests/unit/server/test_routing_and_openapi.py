"""Which version a request gets, and what the OpenAPI document tells of functions."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from dataclasses import dataclass
from typing import Literal

import msgspec
import pytest
from manifests import a_manifest
from openapi_spec_validator import OpenAPIV31SpecValidator

from nbfaas.catalog import Alias
from nbfaas.model.data_schema import data_schema
from nbfaas.model.function import FunctionOptions, FunctionVersion
from nbfaas.model.manifest import FunctionManifest, read_manifest
from nbfaas.model.trigger_spec import TriggerSpec
from nbfaas.server.openapi import openapi
from nbfaas.server.openapi_data import data_schema_of, parameters_of
from nbfaas.server.routing import Routing, ServedFunction, name_of, trigger_of
from nbfaas.triggers.http_source import HttpRoute
from nbfaas.triggers.targets import SplitTarget


@dataclass
class Size:
    width: int
    height: int = 100
    inner: Size | None = None


def thumb(
    path: str,
    mode: Literal["fit", "fill"] = "fit",
    *,
    tags: list[str],
    size: Size | None = None,
    context=None,
):
    """Make it smaller.

    The second paragraph.
    """


def whole(data: Size, event): ...


class Version:
    def __init__(self, label: str, manifest: FunctionManifest) -> None:
        self.manifest = manifest
        self._version = FunctionVersion.make("thumb", label.encode(), FunctionOptions())

    def version(self) -> FunctionVersion:
        return self._version


def told(function=thumb, **more) -> FunctionManifest:
    """As deploying notes it: a trip through JSON included."""
    schema, doc = data_schema(function), inspect.getdoc(function) or ""
    manifest = msgspec.structs.replace(a_manifest(), data_schema=schema, doc=doc, **more)
    return read_manifest(manifest.to_json(), "a test")


def served(weight: float, manifest: FunctionManifest | None = None, name: str = "thumb"):
    alias = Alias("thumb", "prod", 1, 2, weight, 0.0)
    versions = {1: Version("a", manifest or told()), 2: Version("b", manifest or told())}
    return ServedFunction(name, "thumb", "prod", Routing(alias, versions))


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
    assert parameters_of(told()) == ["path", "mode", "tags", "size"]
    schemas: dict[str, object] = {}
    found = data_schema_of(served(0.1), schemas)
    assert found == {
        "type": "object",
        "properties": {
            "path": {"type": "string"},
            "mode": {"enum": ["fill", "fit"], "default": "fit"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "size": {
                "anyOf": [{"$ref": "#/components/schemas/thumb.Size"}, {"type": "null"}],
                "default": None,
            },
        },
        "required": ["path", "tags"],
    }
    size = schemas["thumb.Size"]
    assert size["properties"]["height"] == {"type": "integer", "default": 100}
    assert {"$ref": "#/components/schemas/thumb.Size"} in size["properties"]["inner"]["anyOf"]


def test_a_parameter_that_is_the_whole_data_is_told_by_its_fields():
    assert parameters_of(told(whole)) == ["width", "height", "inner"]
    assert data_schema_of(served(0.1, told(whole)), {})["required"] == ["width"]


@pytest.mark.parametrize("function", [lambda **rest: rest, lambda event: event, dict])
def test_what_names_nothing_may_be_anything(function):
    assert data_schema_of(served(0.1, told(function)), {}) == {}
    assert parameters_of(told(function)) == []


def test_of_a_handler_nothing_is_known():
    assert parameters_of(a_manifest()) is None
    assert data_schema_of(served(0.1, a_manifest()), {}) == {}


def test_the_document_is_openapi():
    routes = [
        HttpRoute("GET", "/orders/{id:int}", "orders", "sync", 30.0, True),
        HttpRoute("POST", "/orders/{id:int}", "open", "async", 30.0, False),
    ]
    document = openapi([served(0.1), served(0.1, name="thumb:v2")], routes)
    assert json.loads(json.dumps(document)) == document
    OpenAPIV31SpecValidator(document).validate()
    orders = document["paths"]["/orders/{id}"]
    assert orders["get"]["parameters"][0]["schema"] == {"type": "integer"}
    assert orders["post"]["security"] == []
    call = document["paths"]["/functions/thumb"]["post"]
    assert call["description"] == "Make it smaller.\n\nThe second paragraph."
    assert call["requestBody"]["content"]["application/json"]["schema"]["required"]
    assert {"thumb.Size", "thumb_v2.Size"} <= document["components"]["schemas"].keys()


def test_a_route_tells_what_its_function_takes_besides_the_path():
    def search(shop: str, word: str, most: int = 10):
        """Find goods."""

    specs = (
        TriggerSpec(kind="http", name="find", arguments=("GET", "/shops/{shop}")),
        TriggerSpec(kind="http", name="post", arguments=("POST", "/shops/{shop}")),
        TriggerSpec(kind="http", name="other", arguments=("GET", "/other"), transform={"x": "$.y"}),
    )
    routes = [
        HttpRoute("GET", "/shops/{shop}", "find"),
        HttpRoute("POST", "/shops/{shop}", "post"),
        HttpRoute("GET", "/other", "other"),
    ]
    document = openapi([served(0.1, told(search, triggers=specs))], routes)
    OpenAPIV31SpecValidator(document).validate()
    got = document["paths"]["/shops/{shop}"]["get"]
    assert got["description"] == "Find goods."
    assert [(each["name"], each["in"], each["required"]) for each in got["parameters"]] == [
        ("shop", "path", True),
        ("word", "query", True),
        ("most", "query", False),
    ]
    assert got["parameters"][2]["schema"] == {"type": "integer", "default": 10}
    posted = document["paths"]["/shops/{shop}"]["post"]
    body = posted["requestBody"]["content"]["application/json"]["schema"]
    assert (list(body["properties"]), body["required"]) == (["word", "most"], ["word"])
    assert document["paths"]["/other"]["get"]["parameters"] == []
