"""Events as code, and functions called with them here."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbfaas
from nbfaas import Context, Event, remote
from nbfaas.errors import BindingError, UnknownFunction
from nbfaas.events import as_curl, as_pytest, as_python, call_locally, save, template

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
HOSTILE = st.sampled_from(["'", '"', "\\", "'; rm -rf /;'", "$(id)", "`id`", "{}", "\n", "@file",
                           "\x00", "EVENT", '"""', "é漢🦊", "!!"])  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS | HOSTILE,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS | HOSTILE, inner, max_size=5),
    max_leaves=20,
)  # fmt: skip
EVENTS = st.builds(
    Event,
    TEXTS.filter(bool) | HOSTILE,
    VALUES | st.binary(max_size=20),
    source=TEXTS.filter(bool) | HOSTILE,
    subject=st.none() | HOSTILE,
    extensions=st.dictionaries(st.sampled_from(["a", "b1"]), TEXTS | st.integers() | st.booleans()),
)


def remade(code: str, monkeypatch) -> Event:
    """The event that the code emits."""
    emitted: list[Event] = []
    with monkeypatch.context() as patch:
        patch.setattr(nbfaas, "emit", emitted.append)
        exec(compile(code, "copied", "exec"), {})
    (event,) = emitted
    return event


@settings(max_examples=150, deadline=None)
@given(EVENTS)
def test_copied_python_makes_the_event_again(event):
    with pytest.MonkeyPatch.context() as patch:
        assert remade(as_python(event, exact=True), patch) == event
        other = remade(as_python(event), patch)
    assert other.replace(id=event.id, time=event.time) == event
    assert other.id != event.id


@settings(max_examples=150, deadline=None)
@given(EVENTS)
def test_a_copied_command_is_split_by_a_shell_as_it_was_meant(event):
    # Python's shlex knows no continued lines; the JSON has no line breaks of its own.
    words = shlex.split(as_curl(event, "http://127.0.0.1:8080/").replace(" \\\n", " "))
    assert words[:4] == ["curl", "-X", "POST", "http://127.0.0.1:8080/events"]
    assert words[4:8] == ["-H", "Content-Type: application/cloudevents+json", "-H",
                          "Authorization: Bearer $NBFAAS_TOKEN"]  # fmt: skip
    assert words[8] == "--data-binary"
    assert Event.from_json(words[9]) == event
    assert words[9].startswith("{"), "curl would take @name for a file"


def test_a_token_is_a_variable_of_the_shell_or_quoted():
    event = Event("a")
    assert '"Authorization: Bearer $TOKEN"' in as_curl(event, "http://h", "$TOKEN")
    quoted = as_curl(event, "http://h/events", "$(id)'x").replace(" \\\n", " ")
    assert "Authorization: Bearer $(id)'x" in shlex.split(quoted)
    assert "/events/events" not in quoted


def test_a_shell_runs_the_command_with_hostile_texts_and_with_long_ones(tmp_path):
    curl = tmp_path / "curl"
    curl.write_text(
        f"#!{sys.executable}\n"
        + textwrap.dedent("""
        import json, sys
        body = sys.argv[sys.argv.index("--data-binary") + 1]
        body = sys.stdin.buffer.read().decode() if body == "@-" else body
        print(json.dumps([sys.argv, body]))
    """)
    )
    curl.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "NBFAAS_TOKEN": "s'ecret"}
    for data in ({"a": "'; touch x; echo $(id) `id` \\ \" !!"}, ["EVENT\nEVENT", "$HOME" * 50_000]):
        event = Event("a'b", data)
        command = as_curl(event, "http://h")
        shell = subprocess.run(["sh"], input=command, env=env, capture_output=True, text=True,
                               check=True, cwd=tmp_path, timeout=60)  # fmt: skip
        argv, body = json.loads(shell.stdout)
        assert Event.from_json(body) == event
        assert "Authorization: Bearer s'ecret" in argv
    assert sorted(os.listdir(tmp_path)) == ["curl"]


def test_a_copied_test_passes_and_fails_as_it_should(tmp_path, monkeypatch):
    (tmp_path / "shop.py").write_text(
        textwrap.dedent("""
        from nbfaas import remote

        @remote
        def on_order(total, event, context):
            return {"total": total, "id": event.id, "function": context.function_name}
    """)
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\npythonpath = ['.']\n")
    event = template("order.created", total=250)
    save(event, "large order")
    from shop import on_order

    try:
        right = {"total": 250, "id": event.id, "function": "on_order"}
        tests = {
            "inline": as_pytest(event, on_order, result=right),
            "loaded": as_pytest(event, on_order, saved="large order", result=right),
            "only_run": as_pytest(event, on_order),
            "wrong": as_pytest(event, "on_order", module="shop", result={**right, "total": 7}),
            "unbound": as_pytest(Event("a", {}), on_order),
            "unknown": as_pytest(event, "on_ordr"),
        }
    finally:
        del nbfaas.functions["on_order"], sys.modules["shop"]
    for name, code in tests.items():
        (tmp_path / f"test_{name}.py").write_text(code)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rA", "."],
        capture_output=True, text=True, timeout=120, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(nbfaas.__file__).parents[1])},
    )  # fmt: skip
    outcome = {
        line.split()[1].split("::")[0].removeprefix("test_").removesuffix(".py"): line.split()[0]
        for line in ran.stdout.splitlines()
        if line.startswith(("PASSED", "FAILED"))
    }
    failing = {"wrong", "unbound", "unknown"}
    assert outcome == {n: "FAILED" if n in failing else "PASSED" for n in tests}, ran.stdout
    assert "BindingError" in ran.stdout
    assert "no function of this session is called 'on_ordr'" in ran.stdout


@settings(max_examples=100, deadline=None)
@given(EVENTS, VALUES, TEXTS)
def test_a_copied_test_is_python_whatever_is_in_the_event(event, result, name):
    code = compile(as_pytest(event, name, result=result), "copied", "exec")
    namespace: dict = {}
    exec(code, namespace)
    (test,) = [each for key, each in namespace.items() if key.startswith("test_")]
    seen = []

    def called(function, given):
        seen.append((function, given))
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nbfaas.events, "call_locally", called)
        test()
    assert seen == [(name, event)]


def test_a_function_is_called_here_as_it_is_bound_in_a_sandbox():
    @remote(memory="256MB", timeout=7)
    def local_probe(total, *, event, context: Context, rest=1, **others):
        return [total, event.id, context.function_name, context.memory_limit >> 20, context.attempt,
                context.trigger, context.timeout, rest, sorted(others)]  # fmt: skip

    event = template("order.created", total=3, data={"total": 3, "x": 1})
    try:
        wanted = [3, event.id, "local_probe", 256, 2, "t", 7, 1, ["x"]]
        assert call_locally(local_probe, event, attempt=2, trigger="t") == wanted
        assert call_locally("local_probe", event)[0] == 3
        with pytest.raises(BindingError, match="'total'"):
            call_locally(local_probe, Event("a", {}))
        with pytest.raises(UnknownFunction, match="did you mean 'local_probe'"):
            call_locally("local_prob", event)
    finally:
        del nbfaas.functions["local_probe"]
    assert call_locally(lambda data: data, event) == event.data
    with pytest.raises(ZeroDivisionError):
        call_locally(lambda: 1 / 0, event)


def test_a_handlers_cell_is_called_here_with_event_and_context():
    from nbfaas.model.function import FunctionOptions
    from nbfaas.remote.function import HandlerFunction

    source = "def handler(event, context):\n    return [event.type, context.function_name]\n"
    handler = HandlerFunction(source, "<cell>", FunctionOptions(), "cell")
    assert call_locally(handler, Event("a")) == ["a", "cell"]
