"""Packaging for deployment: the same bytes in every process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbfaas.agent import codec
from nbfaas.packager.reproducible import pack_reproducibly, stable_filename

CODE = '''
import enum, functools
ALLOWED = {"alpha", "beta", "gamma", "delta"}
NESTED = ({"p", "q", "r"}, frozenset({"s", "t", "u"}))
class Kind(enum.Enum):
    ONE = 1
class Box:
    names = ("a", "b")
    def __init__(self, x): self.x = x
    def has(self, y): return y in {"one", "two", "three", "four"}
def helper(x, among=frozenset({"k", "l", "m", "n"})):
    return x in among
@functools.lru_cache
def cached(x): return x
def outer():
    seen = {"closure", "set", "of", "words"}
    def inner(x, *, only={"w1", "w2", "w3"}):
        """Docs"""
        return [Box(x).has(x), helper(x), x in ALLOWED, Kind.ONE.value, x in seen, x in only,
                [x in part for part in NESTED], cached(x)]
    return inner
function = outer()
'''
PROGRAM = """
import hashlib, sys
namespace = sys.modules["__main__"].__dict__
exec(compile(open(sys.argv[1]).read(), sys.argv[2], "exec"), namespace)
from nbfaas.packager.reproducible import pack_reproducibly
packed = pack_reproducibly(namespace["function"], "function")
sys.stdout.buffer.write(packed.payload)
"""


def payload(tmp_path: Path, seed: int, filename: str) -> bytes:
    code = tmp_path / "code.txt"
    code.write_text(CODE)
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    program = [sys.executable, "-c", PROGRAM, str(code), filename]
    return subprocess.run(program, env=environment, check=True, capture_output=True).stdout


def test_hash_seeds_and_names_of_cells_make_no_difference(tmp_path):
    made = {
        hashlib.sha256(payload(tmp_path, seed, f"/tmp/ipykernel_{seed}/{seed}123.py")).hexdigest()
        for seed in (1, 2, 3)
    }
    assert len(made) == 1


def test_what_was_packed_works(tmp_path):
    function = codec.load_function(payload(tmp_path, 1, "/tmp/ipykernel_1/2.py"))
    assert function("one") == [True, False, False, 1, False, False, [False, False], "one"]
    assert function("k")[1]
    assert function("beta")[2]
    assert function("closure")[4]
    assert function("w2")[5]
    assert function("q")[6] == [True, False]
    assert type(function.__globals__["ALLOWED"]) is set


@pytest.mark.parametrize(
    ("filename", "stable"),
    [
        ("/tmp/ipykernel_4711/123.py", "<notebook>"),
        ("<ipython-input-3-abc>", "<notebook>"),
        ("/home/me/project/thumb.py", "thumb.py"),
        ("<faas thumb>", "<faas thumb>"),
    ],
)
def test_files_are_named_the_same_everywhere(filename, stable):
    assert stable_filename(filename) == stable


class Box:
    def method(self):
        return 1


def entry():
    return Box().method()


def test_the_source_is_that_of_all_that_is_shipped_methods_once():
    source = pack_reproducibly(entry, "entry").source
    assert source.index("def entry") < source.index("class Box")
    assert source.count("def method") == 1


def test_a_function_without_a_source_says_so():
    namespace: dict = {"__name__": "__main__"}
    exec("def typed(): pass", namespace)
    source = pack_reproducibly(namespace["typed"], "typed").source
    assert source == "# The source of typed is not known: it was not defined in a cell or a file.\n"
