"""A sandbox's exception comes back as its own type, and brings no code with it."""

from __future__ import annotations

import linecache
import os
import pickle
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfaas.agent import codec, failure
from nbfaas.errors import FunctionExited, RemoteError
from nbfaas.packager.trust import rebuild_exception

RAN: list[object] = []


class Rejected(ValueError):
    def __init__(self, order: int, reason: str) -> None:
        super().__init__(f"order {order}: {reason}")
        RAN.append(order)
        self.order = order


class Sized(Exception):
    def __init__(self, size: int) -> None:
        self.size = size

    def __str__(self) -> str:
        return f"size {self.size}"


class Evil:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (self.command,)


def there_and_back(error: BaseException, **changes: object) -> Any:
    import json

    try:
        raise error
    except BaseException as raised:
        data, parts = failure.describe(raised)
    return rebuild_exception(json.loads(json.dumps({**data, **changes})), parts, function="f")


def test_an_exception_of_the_notebook_keeps_its_type_and_attributes_and_runs_no_init() -> None:
    error = Rejected(7, "late")
    RAN.clear()
    back = there_and_back(error)
    assert type(back) is Rejected
    assert (str(back), back.order, back.args) == ("order 7: late", 7, ("order 7: late",))
    assert RAN == []


@pytest.mark.parametrize(
    ("error", "attributes"),
    [
        (FileNotFoundError(2, "no", "f.csv"), {"errno": 2, "filename": "f.csv"}),
        (KeyError("k"), {"args": ("k",)}),
        (ModuleNotFoundError("no x", name="x"), {"name": "x"}),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), {"object": b"\xff", "reason": "bad"}),
        (ZeroDivisionError("division by zero"), {}),
        (TimeoutError(), {"args": ()}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_builtin_exceptions_come_back_whole(
    error: Exception, attributes: dict[str, object]
) -> None:
    back = there_and_back(error)
    assert type(back) is type(error)
    assert str(back) == str(error)
    for name, value in attributes.items():
        assert getattr(back, name) == value


def test_an_unknown_type_is_a_remote_error_with_its_traceback() -> None:
    cls = type("GpuError", (RuntimeError,), {"__module__": "torch.cuda"})
    back = there_and_back(cls("no device"))
    assert type(back) is RemoteError
    assert back.type_name == "torch.cuda.GpuError"
    assert "no device" in str(back)
    assert "raise error" in back.traceback_text


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), GeneratorExit(), StopIteration(3), BaseException("x")]
)
def test_what_would_mean_something_else_here_is_a_remote_error(error: BaseException) -> None:
    back = there_and_back(error)
    assert type(back) is RemoteError
    assert back.type_name == type(error).__name__


def test_sys_exit_is_function_exited() -> None:
    back = there_and_back(SystemExit(3))
    assert type(back) is FunctionExited
    assert back.code == 3
    assert type(rebuild_exception(failure.exited("bad"), function="f")) is FunctionExited


def test_errors_of_nbfaas_are_the_hosts_to_raise() -> None:
    back = there_and_back(ValueError("x"), type_module="nbfaas.errors", type_qualname="OutOfMemory")
    assert type(back) is RemoteError


def test_causes_contexts_and_notes_are_kept() -> None:
    try:
        try:
            {}["a"]
        except KeyError as cause:
            cause.add_note("look here")
            raise Rejected(1, "b") from cause
    except Rejected as error:
        back = there_and_back(error)
    assert type(back.__cause__) is KeyError
    assert back.__cause__.args == ("a",)
    assert back.__cause__.__notes__ == ["look here"]
    text = "".join(traceback.format_exception(back))
    assert '{}["a"]' in text
    assert text.count("Traceback (most recent call last)") >= 2


def test_the_remote_traceback_is_the_cause() -> None:
    back = there_and_back(ValueError("x"))
    assert "in there_and_back" in str(back.__cause__)
    assert back.remote_traceback.frames[-1].line == "        raise error"
    assert back.remote_traceback.text.endswith("ValueError: x\n")


def test_the_sandbox_is_named() -> None:
    data, _ = failure.describe(KeyError("x"))
    back: Any = rebuild_exception(
        {**data, "frames": [{"filename": "f.py"}], "sandbox": "forged"}, function="f", sandbox="a1b"
    )
    assert back.remote_traceback.sandbox == "a1b"
    assert str(back.__cause__).startswith('\n"""\nIn the sandbox a1b:\nTraceback (most recent')


def test_a_group_comes_back_with_its_members() -> None:
    back = there_and_back(ExceptionGroup("several", [Rejected(1, "a"), OSError(2, "b")]))
    assert type(back) is ExceptionGroup
    assert back.message == "several"
    assert [type(each) for each in back.exceptions] == [Rejected, FileNotFoundError]


def test_arguments_and_state_that_run_code_are_left_out(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    data, _ = failure.describe(Rejected(1, "a"))
    evil = Evil(f"touch {canary}")
    for contents in ((("order 1: a", evil), {}), (("order 1: a",), {"order": evil}), evil, 5, (1,)):
        back = rebuild_exception(data, [pickle.dumps(contents, 5)], function="f")
        assert type(back) is Rejected
        assert str(back) == "order 1: a"
    assert not canary.exists()


def test_a_state_does_not_replace_methods_or_the_class() -> None:
    data, _ = failure.describe(ValueError("x"))
    parts = codec.dump(
        (("x",), {"__class__": 1, "__str__": 2, "with_traceback": 3, "__cause__": 4})
    )
    back = rebuild_exception(data, parts, function="f")
    assert type(back) is ValueError
    assert str(back) == "x"
    assert "__class__" not in vars(back)
    traceback.format_exception(back)


def test_an_exception_whose_text_needs_a_lost_attribute_is_a_remote_error() -> None:
    data, _ = failure.describe(Sized(3))
    back = rebuild_exception(data, [], function="f")
    assert type(back) is RemoteError
    assert "size 3" in str(back)
    assert str(there_and_back(Sized(3))) == "size 3"


def test_an_exception_type_is_not_imported_because_a_failure_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fresh_errors.py").write_text("class A(Exception): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    data, _ = failure.describe(ValueError("x"))
    back = rebuild_exception(
        {**data, "type_module": "fresh_errors", "type_qualname": "A"}, function="f"
    )
    assert type(back) is RemoteError
    assert "fresh_errors" not in sys.modules


def frame_of(filename: str) -> dict[str, Any]:
    data, _ = failure.describe(ValueError("x"))
    frame = {"filename": filename, "lineno": 2, "name": "cell", "line": None}
    return {**data, "frames": [frame]}


def test_lines_of_a_cell_are_filled_in_by_the_host() -> None:
    name = "/tmp/ipykernel_1/123.py"
    linecache.cache[name] = (20, None, ["a = 1\n", "fail_here()\n"], name)
    try:
        back: Any = rebuild_exception(frame_of(name), function="f")
    finally:
        del linecache.cache[name]
    assert back.remote_traceback.frames[0].line == "fail_here()"
    assert "fail_here()" in str(back.__cause__)


def test_no_other_file_of_the_host_is_read_for_a_traceback(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("first\nsecret\n")
    back: Any = rebuild_exception(frame_of(str(secret)), function="f")
    assert back.remote_traceback.frames[0].line is None
    assert "secret\n" not in str(back.__cause__).replace("secret.txt", "")


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(st.data())
def test_any_failure_data_gives_an_exception(data: st.DataObject) -> None:
    described, _ = failure.describe(ValueError("x"))
    for key in data.draw(st.lists(st.sampled_from(sorted(described)), max_size=4)):
        described[key] = data.draw(json_like)
    back = rebuild_exception(described, [data.draw(st.binary(max_size=20))], function="f")
    assert isinstance(back, Exception)
    traceback.format_exception(back)
