"""Functions of a notebook run elsewhere, with what they refer to."""

from __future__ import annotations

import enum
import functools
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from elsewhere import call_elsewhere, run_script

from nbfaas.agent.local_function import LocalFunction, RemoteCallInSandbox
from nbfaas.errors import NotPicklable
from nbfaas.events import schema_of
from nbfaas.packager.arguments import dump_arguments
from nbfaas.packager.pack import distribution_for, pack
from nbfaas.packager.rebuild import rebuild_exception
from nbfaas.packager.trust import load_result


def call(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call ``fn`` in another interpreter that has nothing of this one's files."""
    package = pack(fn, "f")
    parts = dump_arguments(args, kwargs, "the arguments", sources=package.sources)
    kind, *answer = call_elsewhere(package.payload, parts)
    if kind == "failure":
        raise rebuild_exception(answer[0], answer[1], function="f")
    return load_result(answer[0], function="f")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of local modules, importable here and nowhere else."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(tmp_path)):
            del sys.modules[name]


def write(folder: Path, **modules: str) -> None:
    for name, source in modules.items():
        file = folder.joinpath(*name.split("__"))
        file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
    importlib.invalidate_caches()


FACTOR = 3


@dataclass
class Point:
    x: int

    def scaled(self) -> Point:
        return Point(self.x * FACTOR)


def triple(x: int) -> int:
    return x * FACTOR


def test_a_function_takes_its_globals_functions_and_classes_along() -> None:
    def work(point: Point) -> Point:
        assert isinstance(point, Point)
        return Point(triple(point.scaled().x))

    assert call(work, Point(1)) == Point(9)


def test_a_cached_recursive_function_works_elsewhere() -> None:
    @functools.cache
    def fib(n: int) -> int:
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    assert call(fib, 50) == 12586269025
    assert call(lambda n: fib(n), 50) == 12586269025


def test_a_local_module_goes_along_by_value(project: Path) -> None:
    write(
        project,
        helpers="import json\nK = 2\nclass Box:\n    def __init__(self, v): self.v = v\n"
        "def double(x):\n    return json.loads(str(x)) * K\n",
    )
    helpers = importlib.import_module("helpers")
    double, box = helpers.double, helpers.Box

    def work(x: int) -> Any:
        return box(double(x))

    back = call(work, 4)
    assert type(back) is box
    assert back.v == 8
    assert pack(work, "work").requires == ()
    assert pack(work, "work").sources == frozenset()


def test_a_local_module_imported_in_a_body_goes_along_as_source(project: Path) -> None:
    write(
        project,
        pkg____init__="from . import deep\n",
        pkg__deep="import other_local\ndef go(x):\n    return other_local.add(x)\n",
        other_local="class Box:\n    pass\ndef add(x):\n    return x + 1\n",
    )

    def work(x: int) -> int:
        import pkg.deep

        return pkg.deep.go(x)  # type: ignore[no-any-return]

    assert call(work, 1) == 2
    package = pack(work, "work")
    assert package.sources == {"pkg", "pkg.deep", "other_local"}
    assert not {"pkg", "other_local"} & sys.modules.keys()  # nothing was imported to find out


def test_a_module_that_is_referred_to_has_one_identity_elsewhere(project: Path) -> None:
    write(project, shapes="class Box:\n    def __init__(self, v): self.v = v\n")
    shapes: Any = importlib.import_module("shapes")
    box = shapes.Box

    def work(given: Any) -> bool:
        import shapes as again

        return box is shapes.Box is again.Box and isinstance(given, box)

    assert call(work, box(1)) is True


def test_relative_imports_in_a_body_work(project: Path) -> None:
    write(
        project,
        tools____init__="",
        tools__a="def work(x):\n    from .b import inc\n    from . import c\n"
        "    return inc(x) + c.N\n",
        tools__b="def inc(x):\n    return x + 1\n",
        tools__c="N = 10\n",
    )
    work = importlib.import_module("tools.a").work
    assert call(work, 1) == 12


def test_a_traceback_through_a_shipped_source_shows_its_lines(project: Path) -> None:
    write(project, breaks="def fail():\n    raise ValueError('here')  # the line\n")

    def work() -> None:
        import breaks

        breaks.fail()

    with pytest.raises(ValueError, match="here") as caught:
        call(work)
    text = str(caught.value.__cause__)
    assert "raise ValueError('here')  # the line" in text
    assert "breaks.fail()" in text
    assert "nbfaas/agent" not in text


def test_what_the_image_must_have_is_told(project: Path) -> None:
    write(project, uses="import yaml_like\ntry:\n    import maybe\nexcept ImportError:\n    pass\n")
    import numpy as np

    def work(x: int) -> Any:
        import json  # noqa: F401

        import torch_like.nn  # type: ignore[import-not-found]  # noqa: F401
        import uses  # type: ignore[import-not-found]  # noqa: F401

        try:
            import fast_like  # type: ignore[import-not-found]
        except ImportError:
            fast_like = None
        with open("x"):
            import in_with_like  # type: ignore[import-not-found]  # noqa: F401
        try:
            import in_finally_like  # type: ignore[import-not-found]  # noqa: F401
        finally:
            pass
        return np.array([x, fast_like])

    assert pack(work, "work").requires == (
        "in_finally_like",
        "in_with_like",
        "numpy",
        "torch_like",
        "yaml_like",
    )


def test_what_arguments_default_to_counts_as_required() -> None:
    import numpy as np

    one = np.float64(1)

    def work(x: Any = one) -> Any:
        return x

    assert pack(work, "work").requires == ("numpy",)


@pytest.mark.parametrize(
    ("module", "distribution"),
    [
        ("sklearn.svm", "scikit-learn"),
        ("PIL", "pillow"),
        ("cv2", "opencv-python"),
        ("nope", "nope"),
    ],
)
def test_the_name_to_install_is_known(module: str, distribution: str) -> None:
    assert distribution_for(module) == distribution


CLIENT = {"db": threading.Lock()}


def test_what_can_not_be_pickled_is_named() -> None:
    def work() -> object:
        return CLIENT

    with pytest.raises(NotPicklable) as caught:
        pack(work, "score")
    assert caught.value.what == "function 'score'"
    assert caught.value.path == "score → global 'CLIENT' → ['db']"
    assert "cannot pickle '_thread.lock' object" in str(caught.value)


def test_a_remote_function_that_calls_itself_runs_locally_elsewhere() -> None:
    def countdown(n: int) -> int:
        return 0 if n == 0 else 1 + remote(n - 1)

    remote = LocalFunction(countdown, "countdown")
    assert call(countdown, 3) == 3


@pytest.mark.parametrize("attribute", ["remote", "spawn", "map", "starmap"])
def test_a_sandbox_starts_no_sandboxes(attribute: str) -> None:
    local = LocalFunction(triple, "triple")
    assert local(2) == 6
    with pytest.raises(RemoteCallInSandbox, match=r"Call it directly, triple\(\.\.\.\)"):
        getattr(local, attribute)(2)


def test_the_notebooks_own_types_come_back_as_its_own(tmp_path: Path) -> None:
    out = run_script(
        tmp_path,
        """
import enum, collections
from dataclasses import dataclass
from elsewhere import call_elsewhere
from nbfaas.packager.pack import pack
from nbfaas.packager.arguments import dump_arguments
from nbfaas.packager.trust import load_result, rebuild_exception

@dataclass
class Point:
    x: int
    class Inner:
        pass
class Color(enum.Enum):
    RED = 1
Pair = collections.namedtuple("Pair", "a b")
class Rejected(ValueError):
    def __init__(self, order, why):
        super().__init__(f"{order}: {why}")
        self.order = order

def work(p):
    assert isinstance(p, Point)
    return [p, Point(p.x + 1), Color.RED, Pair(1, 2), Point.Inner(), Rejected(1, "a"), Point]
def fail():
    raise Rejected(7, "late")
def local():
    class Hidden: pass
    return Hidden()

def call(fn, *args):
    return call_elsewhere(pack(fn, fn.__name__).payload, dump_arguments(args, {}, "it"))

back = load_result(call(work, Point(1))[1], function="work")
assert back[:4] == [Point(1), Point(2), Color.RED, Pair(1, 2)], back
assert type(back[4]) is Point.Inner and type(back[5]) is Rejected and back[5].order == 1
assert back[6] is Point
_, data, parts = call(fail)
error = rebuild_exception(data, parts, function="fail")
assert type(error) is Rejected and error.order == 7 and str(error) == "7: late"
assert 'raise Rejected(7, "late")' in str(error.__cause__)
try:
    load_result(call(local)[1], function="local")
except Exception as error:
    print(type(error).__name__, error)
""",
    )
    assert out.startswith(
        "ResultUnreadable what function 'local' returned can't be read: it holds a"
    )
    assert "__main__.local.<locals>.Hidden, a class made inside a function" in out


def test_a_function_in_a_result_is_refused() -> None:
    from nbfaas.errors import UntrustedResult

    def work() -> object:
        return lambda: 1

    with pytest.raises(UntrustedResult, match="_make_function"):
        call(work)


def test_packing_does_not_touch_cloudpickles_registry(project: Path) -> None:
    import cloudpickle

    write(project, helpers2="def g():\n    return 1\n")
    module: ModuleType = importlib.import_module("helpers2")
    pack(module.g, "g")
    assert not cloudpickle.list_registry_pickle_by_value()


def test_a_class_that_msgspec_has_looked_at_ships_and_keeps_its_version():
    @dataclass
    class Line:
        quantity: int

    class Kind(enum.Enum):
        NEW = "new"

    def total(lines: list[Line], kind: Kind = Kind.NEW) -> int:
        return sum(Line(**each).quantity for each in lines) + len(kind.value)

    total.__annotations__ = {"lines": list[Line], "kind": Kind}
    Line.__annotations__ = {"quantity": int}
    total.__module__ = Line.__module__ = Kind.__module__ = "__main__"
    before = pack(total, "f").payload
    schema_of(total)
    assert "__msgspec_cache__" in vars(Line)
    assert pack(total, "f").payload == before
    assert call(total, [{"quantity": 2}]) == 5
