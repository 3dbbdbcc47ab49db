"""When a package is stale, and that the same state makes the same payload."""

from __future__ import annotations

import enum
import functools
import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nbfaas.packager.guards import is_immutable
from nbfaas.packager.pack import pack


def notebook(source: str) -> dict[str, Any]:
    """Run cells as a notebook does, in a namespace of their own."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(source, namespace)
    return namespace


def test_a_package_is_current_until_a_global_is_rebound() -> None:
    cells = notebook("K = 1\ndef helper(): return K\ndef f(): return helper()\n")
    package = pack(cells["f"], "f")
    assert package.is_current()
    cells["unrelated"] = 1
    assert package.is_current()
    cells["K"] = 2
    assert not package.is_current()
    assert pack(cells["f"], "f").payload != package.payload


@pytest.mark.parametrize(
    "cell",
    [
        "def helper(): return 5",
        "class A:\n    def m(self): return 2",
        "late = 3",
        "def f(x=2): pass",
        "A.limit = 3",
        "f.__defaults__ = (3,)",
        "helper.__code__ = (lambda: 7).__code__",
    ],
)
def test_a_redefinition_makes_a_package_stale(cell: str) -> None:
    cells = notebook(
        "def helper(): return 1\n"
        "class A:\n    def m(self): return helper()\n"
        "def f(x=1): return A().m(), late\n"
    )
    package = pack(cells["f"], "f")
    assert package.is_current()
    before = cells["f"]
    exec(cell, cells)
    # A redefined f is another function; whoever holds the package compares functions for that.
    assert not package.is_current() or cells["f"] is not before


@pytest.mark.parametrize(
    "value",
    ["[1]", "{}", "set()", "bytearray()", "([],)", "object()", "__import__('numpy').ones(1)"],
)
def test_mutable_globals_are_never_taken_for_current(value: str) -> None:
    cells = notebook(f"G = {value}\ndef f(): return G\n")
    assert not pack(cells["f"], "f").is_current()


def test_mutable_closures_defaults_and_class_attributes_are_never_taken_for_current() -> None:
    def closure(value: object) -> Callable[[], object]:
        return lambda: value

    assert not pack(closure([1]), "f").is_current()
    assert pack(closure((1, "a")), "f").is_current()
    assert not pack(notebook("def f(x=[]): return x")["f"], "f").is_current()
    cells = notebook("class A:\n    shared = []\ndef f(): return A()\n")
    assert not pack(cells["f"], "f").is_current()


def test_a_bound_method_of_a_mutable_object_is_never_taken_for_current() -> None:
    cells = notebook("class A:\n    def m(self): return self\n")
    assert not pack(cells["A"]().m, "m").is_current()


def test_a_rebound_closure_variable_makes_a_package_stale() -> None:
    def make() -> tuple[Callable[[], int], Callable[[], None]]:
        count = 1

        def read() -> int:
            return count

        def bump() -> None:
            nonlocal count
            count += 1

        return read, bump

    read, bump = make()
    package = pack(read, "read")
    assert package.is_current()
    bump()
    assert not package.is_current()


def test_an_edited_source_makes_a_package_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "edited_module.py"
    file.write_text("N = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()

    def f() -> int:
        import edited_module  # type: ignore[import-not-found]

        return edited_module.N  # type: ignore[no-any-return]

    package = pack(f, "f")
    assert package.is_current()
    file.write_text("N = 22\n")
    assert not package.is_current()
    assert pack(f, "f").payload != package.payload
    os.remove(file)
    assert "edited_module" not in sys.modules


@dataclass(frozen=True)
class Frozen:
    a: object


class Color(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    "value",
    [1, "a", (1, (2,)), frozenset({1}), Frozen(1), Color.RED, len, int, os, Path("/a"), list[int]],
)
def test_immutable_values_are_known(value: object) -> None:
    assert is_immutable(value)


@pytest.mark.parametrize("value", [[], {}, Frozen([]), ([],), functools.partial(len), Exception()])
def test_other_values_count_as_mutable(value: object) -> None:
    assert not is_immutable(value)


SOURCE = """
import enum, re, json, collections
from dataclasses import dataclass, field
CONFIG = {"b": [1, 2], "a": {"x": "yy"}, "name": "score"}
PATTERN = re.compile("a+")
class Color(enum.Enum):
    RED = "red"
@dataclass
class Point:
    x: int = 0
    tags: list = field(default_factory=list)
    def scaled(self, k: "int" = 2) -> "Point":
        return Point(self.x * k)
Pair = collections.namedtuple("Pair", "left right")
def helper(p, *, key="x"):
    def inner(y):
        return json.dumps({"x": y, "name": CONFIG["name"]})
    return inner(p.x)
def f(x, scale=1.5):
    import zlib
    return helper(Point(x).scaled()), Color.RED, PATTERN.match("aa"), Pair(1, 2), zlib.crc32(b"")
"""


def test_packing_again_gives_the_same_bytes() -> None:
    cells = notebook(SOURCE)
    f = cells["f"]
    first = pack(f, "f").payload
    assert [pack(f, "f").payload for _ in range(3)] == [first] * 3
    for _ in range(50):  # specialised bytecode, filled caches, interned strings
        f(1)
    import copy
    import pickle

    copy.copy(cells["CONFIG"])
    pickle.dumps(cells["CONFIG"])
    vars(cells["Point"](1))
    assert pack(f, "f").payload == first


def test_mutable_data_that_is_equal_again_gives_the_same_bytes() -> None:
    cells = notebook(SOURCE)
    first = pack(cells["f"], "f")
    assert not first.is_current()
    cells["CONFIG"]["b"].append(3)
    assert pack(cells["f"], "f").payload != first.payload
    cells["CONFIG"]["b"].pop()
    assert pack(cells["f"], "f").payload == first.payload
