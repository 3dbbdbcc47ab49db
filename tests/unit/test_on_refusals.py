"""What the decorators of ``on`` refuse at their line, before anything is started."""

from __future__ import annotations

import re

import pytest

from nbfaas import on
from nbfaas.agent.binding import Binding
from nbfaas.errors import BadTrigger


@pytest.mark.parametrize("folder", ["/tmp", "/proc", "/dev"])
def test_a_folder_that_a_sandbox_has_for_itself_can_not_be_watched(folder):
    with pytest.raises(BadTrigger, match=f"a sandbox has a {folder} of its own"):
        on.file(f"{folder}/*.csv")


def test_a_parameter_of_a_path_has_to_be_one_of_the_function():
    def count(limit=3): ...

    with pytest.raises(BadTrigger, match=r"on\.http: path='/a/\{n:int\}'.*'count' takes no 'n'"):
        on.http("GET", "/a/{n:int}")(count)


@pytest.mark.parametrize(
    "function",
    [
        lambda n: n,
        lambda event: event,
        lambda data: data,
        lambda **fields: fields,
        lambda *, n=1: n,
    ],
)
def test_a_function_may_get_a_field_by_its_name_or_with_all_others(function):
    assert Binding(function).may_use("n")


def test_a_context_alone_has_no_fields():
    assert not Binding(lambda context, other=1: context).may_use("n")


@pytest.mark.parametrize("path", ["data.x", "$.data.", 3])
def test_a_path_to_order_by_is_refused_as_that(path):
    with pytest.raises(BadTrigger, match=rf"on\.event: ordered_by={re.escape(repr(path))}"):
        on.event("a", ordered_by=path)


def test_a_type_with_a_wildcard_is_told_how_patterns_have_one():
    with pytest.raises(BadTrigger, match=re.escape('{"type": [{"wildcard": "order.*"}]}')):
        on.event("order.*")
    on.event({"type": [{"wildcard": "order.*"}]})
    on.event({"type": ["order.*"]})  # who writes a pattern means what it says
