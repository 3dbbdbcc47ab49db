"""Exceptions as data."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest

from nbfaas.agent import codec, failure


class Odd(ValueError):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Carries(Exception):
    def __init__(self, value: object) -> None:
        super().__init__("carried")
        self.value = value
        self.lock = threading.Lock()


def describe(error: BaseException) -> dict[str, object]:
    try:
        raise error
    except BaseException as raised:
        data, _ = failure.describe(raised)
    json.dumps(data)
    return data


def test_the_type_the_message_and_the_frames_are_told() -> None:
    data = describe(FileNotFoundError(2, "no such file", "x.csv"))
    assert data["kind"] == "exception"
    assert (data["type_module"], data["type_qualname"]) == ("builtins", "FileNotFoundError")
    assert "builtins.OSError" in data["bases"]  # type: ignore[operator]
    assert data["message"] == "[Errno 2] no such file: 'x.csv'"
    frame = data["frames"][0]  # type: ignore[index]
    assert frame["name"] == "describe"
    assert frame["line"] == "        raise error"


def test_the_text_is_what_python_prints() -> None:
    import traceback

    def fail() -> None:
        try:
            {}["a"]
        except KeyError as cause:
            cause.add_note("a note")
            raise ValueError("b") from cause

    with pytest.raises(ValueError) as caught:
        fail()
    data, _ = failure.describe(caught.value)
    assert data["text"] == "".join(traceback.format_exception(caught.value))


def test_a_str_that_raises_is_survived() -> None:
    assert describe(Odd())["message"] == "<Odd whose str() failed>"


def test_the_arguments_and_what_can_be_pickled_of_the_state_come_along() -> None:
    _, parts = failure.describe(Carries([1, 2]))
    assert codec.load(parts) == (("carried",), {"value": [1, 2]})


def test_a_deep_recursion_is_cut_to_its_two_ends() -> None:
    def down(n: int) -> None:
        if n == 0:
            raise ValueError("bottom")
        down(n - 1)

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(5000)
    try:
        with pytest.raises(ValueError) as caught:
            down(3000)
    finally:
        sys.setrecursionlimit(limit)
    data, _ = failure.describe(caught.value)
    assert len(data["frames"]) == failure.MAX_FRAMES
    assert data["frames"][0]["name"] == "test_a_deep_recursion_is_cut_to_its_two_ends"
    assert "bottom" in data["text"]


def test_a_huge_message_is_cut() -> None:
    data = describe(ValueError("x" * 10_000_000))
    assert len(str(data["message"])) <= failure.MAX_MESSAGE
    assert len(str(data["text"])) <= failure.MAX_TEXT


def test_a_cycle_of_contexts_ends() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    data = describe(one)
    assert data["cause"]["message"] == "two"  # type: ignore[index]
    assert data["cause"]["cause"] is None  # type: ignore[index]


def test_a_group_is_told_with_its_members() -> None:
    data = describe(ExceptionGroup("several", [OSError(1, "a"), KeyError("k")]))
    names = [member["type_qualname"] for member in data["group"]]  # type: ignore[attr-defined]
    assert names == ["PermissionError", "KeyError"]
    assert "KeyError: 'k'" in str(data["text"])


def test_lone_surrogates_do_not_break_the_data() -> None:
    json.dumps(describe(ValueError("\udc80"))).encode()


@pytest.mark.parametrize(("code", "told"), [(3, 3), (None, None), ("bad", "bad"), ([1], "[1]")])
def test_exit_codes_are_told(code: object, told: object) -> None:
    assert describe(SystemExit(code))["exit_code"] == told
    assert failure.exited(code) == {"kind": "exit", "code": told}


def test_the_other_kinds_are_json() -> None:
    kinds = [
        failure.unpicklable_result("result.x", "no"),
        failure.result_too_large(10, 5),
        failure.missing_module("pandas"),
        failure.crashed(None, "SIGSEGV"),
        failure.load(ImportError("no module")),
    ]
    assert [json.loads(json.dumps(kind))["kind"] for kind in kinds] == [
        "unpicklable_result",
        "result_too_large",
        "missing_module",
        "crashed",
        "load",
    ]
    assert kinds[-1]["message"] == "ImportError: no module"


@pytest.mark.parametrize("line", ["input('name? ')", "breakpoint()"])
def test_who_asks_a_terminal_that_is_not_there_is_told_so(line: str) -> None:
    code = (
        "from nbfaas.agent import failure\n"
        f"def asking():\n    {line}\n    return 1\n"
        "try:\n    asking()\n"
        "except BaseException as error:\n"
        "    print(failure.describe(error)[0]['text'])\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, check=False
    ).stdout.decode()
    assert "Functions run without a terminal" in said
    assert "without .remote" in said
    notes = failure.describe(EOFError("end of my file"))[0]["notes"]
    assert notes == []
