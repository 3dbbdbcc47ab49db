"""A notebook session from a person's seat: a real kernel, real containers, and what can go wrong
with both."""

from __future__ import annotations

import os
import subprocess

import pytest
from kernel import Kernel
from waiting import until

FUNCTIONS = """
import os, time
from nbfaas import FunctionCall, gather, remote

@remote(cpu=0.2, memory="128MB")
def double(x):
    print("doubling", x)
    return 2 * x

@remote(cpu=0.2, memory="128MB")
def nap(seconds):
    print("napping", flush=True)
    time.sleep(seconds)
    return seconds
"""


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def backend(request):
    return request.param


@pytest.fixture
def session(backend, tmp_path):
    with Kernel(tmp_path, backend=backend) as kernel:
        kernel.run("%colors nocolor").ok()
        kernel.run("%load_ext nbfaas").ok()
        kernel.run(FUNCTIONS).ok()
        yield kernel


def sandboxes_of(pid: int) -> list[str]:
    """The containers and agent processes of the kernel ``pid``."""
    listing = ["docker", "ps", "-a", "--filter", "label=nbfaas.owner"]
    form = ["--format", '{{.ID}} {{.Label "nbfaas.owner"}}']
    found = subprocess.run([*listing, *form], capture_output=True, text=True).stdout.splitlines()
    mine = [line for line in found if str(pid) in line.split(" ", 1)[1].split("/")]
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as stat:
                parent = int(stat.read().rpartition(")")[2].split()[1])
            with open(f"/proc/{entry}/cmdline") as cmdline:
                command = cmdline.read()
        except OSError:
            continue
        if parent == pid and "nbfaas" in command:
            mine.append(command)
    return mine


def test_a_call_shows_its_output_and_returns_its_value(session):
    cell = session.run("double.remote(21)").ok()
    assert cell.value == "42"
    assert "doubling 21" in cell.stdout


def test_output_arrives_while_the_function_runs(session):
    message = session.begin("nap.remote(3)")
    seen = session.wait_for_output(message, "napping")
    assert seen.status == "running"
    assert session.wait(message).ok().value == "3"


def test_a_map_returns_results_in_order_and_calls_can_be_gathered(session):
    assert session.run("list(double.map(range(6)))").ok().value == "[0, 2, 4, 6, 8, 10]"
    assert session.run("gather(double.spawn(1), double.spawn('ab'))").ok().value == "[2, 'abab']"


def test_top_level_await_works(session):
    assert session.run("await double.remote.aio(4)").ok().value == "8"


def test_a_remote_exception_is_its_own_type_and_shows_the_cells_lines(session):
    session.run("@remote\ndef invert(x):\n    y = 1 / x  # here\n    return y\n").ok()
    cell = session.run("invert.remote(0)")
    assert cell.error_name == "ZeroDivisionError"
    assert "y = 1 / x  # here" in cell.error
    assert "invert.remote(0)" in cell.error
    assert "nbfaas/dispatch" not in cell.error  # our own frames are of no use to anybody
    caught = session.run("try:\n    invert.remote(0)\nexcept ZeroDivisionError as e:\n    str(e)")
    assert caught.ok().status == "ok"


def test_running_a_cell_again_replaces_the_function(session):
    for factor in (2, 3):
        cell = session.run(f"@remote(cpu=0.2)\ndef times(x):\n    return {factor} * x\n").ok()
        assert (cell.stdout, cell.stderr) == ("", "")
        assert session.run("times.remote(7)").ok().value == str(7 * factor)
    names = session.run("import nbfaas\nsum(n == 'times' for n in nbfaas.functions)").ok()
    assert names.value == "1"


def test_a_changed_global_is_seen_by_the_next_call(session):
    session.run("factor = 2\n@remote\ndef scaled(x):\n    return factor * x").ok()
    assert session.run("scaled.remote(5)").ok().value == "10"
    session.run("factor = 7").ok()
    assert session.run("scaled.remote(5)").ok().value == "35"


def test_interrupting_a_call_cancels_it_and_leaves_the_pool_usable(session):
    message = session.begin("nap.remote(600)")
    session.wait_for_output(message, "napping")
    session.interrupt()
    assert session.wait(message, 20).error_name == "KeyboardInterrupt"
    assert session.run("nap.remote(0.01)", 30).ok().value == "0.01"
    busy = session.run(
        "from nbfaas.service import get_service\n"
        "sum(row.in_flight for row in get_service().sandboxes())"
    )
    assert busy.ok().value == "0"


def test_interrupting_a_map_cancels_all_its_items(session):
    session.run("run = nap.map([600] * 20)").ok()
    message = session.begin("for seconds in run:\n    pass")
    session.wait_for_output(message, "napping")
    session.interrupt()
    assert session.wait(message, 20).error_name == "KeyboardInterrupt"
    until(lambda: session.run("run.counts.cancelled").ok().value == "20")
    assert session.run("list(nap.map([0.01] * 4))", 30).ok().value == "[0.01, 0.01, 0.01, 0.01]"


def test_a_cancelled_call_says_so(session):
    session.run("call = nap.spawn(600)").ok()
    assert session.run("call.cancel()").ok().value == "True"
    assert session.run("call.result()").error_name == "CancelledError"
    assert "CANCELLED" in session.run("call").ok().shown


def test_a_call_is_known_after_a_restart(session):
    session.run("call = double.spawn(21); call.result()").ok()
    session.run("lost = nap.spawn(600)\nwhile not lost.running(): time.sleep(0.01)").ok()
    ids = session.run("print(call.id, lost.id)").ok().stdout.split()
    session.restart()
    session.run("from nbfaas import FunctionCall").ok()
    session.run(f"call = FunctionCall.from_id({ids[0]!r})").ok()
    known = session.run("print(call.status, call.result(), call.function, call.logs)").ok().stdout
    assert known.split()[:3] == ["SUCCEEDED", "42", "double"]
    assert "doubling 21" in known
    ended = session.run(f"FunctionCall.from_id({ids[1]!r}).result()")
    assert ended.error_name in ("CancelledError", "SandboxLost")
    assert session.run("FunctionCall.from_id('nobody-1')").error_name == "UnknownInvocation"


def test_a_killed_kernel_leaves_nothing_behind(session):
    session.run("busy = nap.map([600] * 3)").ok()
    until(lambda: session.run("busy.counts.running").ok().value != "0")
    pid = session.pid
    assert sandboxes_of(pid)
    running = session.run("print(busy[0].id)").ok().stdout.strip()
    session.run("time.sleep(1.2)").ok()  # the journal has it by then
    session.kill()
    until(lambda: not sandboxes_of(pid), 10)
    session.restart()
    session.run("from nbfaas import FunctionCall").ok()
    ended = session.run(f"FunctionCall.from_id({running!r}).result()")
    assert ended.error_name == "SandboxLost"
    assert "kernel" in ended.error


def test_shutting_a_kernel_down_leaves_nothing_behind(backend, tmp_path):
    with Kernel(tmp_path, backend=backend) as kernel:
        kernel.run("%load_ext nbfaas").ok()
        kernel.run(FUNCTIONS).ok()
        kernel.run("double.remote(1)").ok()
        pid = kernel.pid
        assert sandboxes_of(pid)
    until(lambda: not sandboxes_of(pid), 10)
