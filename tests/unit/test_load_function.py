"""Functions by their place: ``path/to/file.py:function`` and ``module:function``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nbfaas.errors import BadDeployment, NotDeployable
from nbfaas.remote.decorator import functions
from nbfaas.remote.function import RemoteFunction
from nbfaas.remote.loading import load_function

CODE = """
from nbfaas import on, remote
VALUE = 3
class Shape: ...
@on.every(5)
@remote(memory="64MB")
def decorated(event): return 1
def plain(): return 2
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "deployable_code.py"
    path.write_text(CODE)
    yield path
    sys.modules.pop("deployable_code", None)
    for name in ("decorated", "plain"):
        functions.pop(name, None)


def test_a_function_of_a_file_keeps_its_options_and_notes_its_triggers(file):
    function = load_function(f"{file}:decorated")
    assert isinstance(function, RemoteFunction)
    assert function.options.resources.memory == 64 << 20
    assert [trigger.spec.kind for trigger in function.triggers if trigger.spec] == ["every"]


def test_a_plain_function_of_a_module_has_the_default_options(file):
    assert load_function("deployable_code:plain")() == 2


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("thumb", "path/to/file.py:function or module:function"),
        (":thumb", "path/to/file.py:function or module:function"),
        ("exportd", "there is no such folder"),
        ("{folder}", "no function was exported to this folder"),
        ("{file}", "say which of its functions is meant: .*deployable_code.py:FUNCTION"),
        ("{file}:decorate", "did you mean 'decorated'"),
        ("{file}:VALUE", "of type int"),
        ("{file}:Shape", "of type type"),
        ("/nowhere/code.py:f", "there is no such file"),
    ],
)
def test_a_place_that_has_no_function_is_told(file, place, told):
    with pytest.raises(BadDeployment, match=told):
        load_function(place.format(file=file, folder=file.parent))


def test_a_file_must_not_take_the_place_of_another_module(file):
    taken = file.with_name("json.py")
    taken.write_text("def f(): ...")
    json = sys.modules["json"]
    with pytest.raises(BadDeployment, match="another module is called 'json'; rename it"):
        load_function(f"{taken}:f")
    assert sys.modules["json"] is json


def test_what_the_import_raises_is_told(file):
    broken = Path(file).with_name("broken_code.py")
    broken.write_text("import not_installed_anywhere")
    with pytest.raises(NotDeployable, match=r"importing .*broken_code\.py raised ModuleNotFound"):
        load_function(f"{broken}:f")
    assert "broken_code" not in sys.modules
    with pytest.raises(NotDeployable, match="No module named 'no_such_module'"):
        load_function("no_such_module:f")
