"""What a sandbox says of a cell's run is checked like all that it says."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from nbfaas.errors import NamesNotPulled, ResultUnreadable
from nbfaas.notebook.cell_run import pull_into
from nbfaas.remote.cell_value import value_of

NESTED: Any = ("x",)
for _ in range(60):
    NESTED = (NESTED, NESTED)


def answer(**changes: object) -> dict[str, Any]:
    return {"value": None, "text": None, "pulled": {}, "missing": [], **changes}


def test_only_the_names_that_were_asked_for_are_set() -> None:
    namespace = {"mine": 1}
    forged = answer(pulled={"x": [pickle.dumps(2)], "mine": [pickle.dumps(3)]}, missing=["y"])
    pull_into(namespace, ("x",), forged, ())
    assert namespace == {"mine": 1, "x": 2}


def test_what_is_not_there_is_missing_whatever_the_sandbox_says() -> None:
    for forged in (answer(), answer(pulled=[]), answer(pulled={"y": 1})):
        with pytest.raises(NamesNotPulled, match="without defining 'x'"):
            pull_into({}, ("x",), forged, ())


def test_an_answer_of_another_form_is_a_typed_error() -> None:
    for forged in (None, 5, {}, {"value": 1}):
        with pytest.raises(ResultUnreadable):
            value_of(forged, ())  # type: ignore[arg-type]


def test_text_that_is_none_is_not_made_into_text() -> None:
    value = value_of(answer(value=NESTED, text=NESTED), ())
    assert repr(value) == "<tuple>"
    assert "because of <tuple>" in value.reason
