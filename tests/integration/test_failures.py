"""Every way a call can end badly: a typed error that says what happened, in each backend, and the
function can be called again afterwards."""

import bdb
import ctypes
import os
import signal
import sys
import threading
import time

import pytest
from waiting import until

from nbfaas import Retries, remote
from nbfaas.errors import (
    FunctionExited,
    FunctionTimeout,
    OutOfMemory,
    RemoteError,
    ResultNotPicklable,
    ResultTooLarge,
    SandboxCrashed,
    SandboxLost,
)
from nbfaas.model.invocation import InvocationState

pytestmark = pytest.mark.usefixtures("service")


class Rejected(Exception):
    """A class of the user's own, with more to it than a message."""

    def __init__(self, code, *, hint=""):
        super().__init__(f"rejected with {code}")
        self.code = code
        self.hint = hint


@pytest.fixture
def run_here():
    """Calls what it is given in a sandbox; afterwards that function must still be callable."""

    @remote(max_containers=1)
    def run(body, *args):
        return body(*args)

    yield run
    assert run.remote(abs, -1) == 1


# -- exceptions


def test_an_exception_comes_back_as_its_own_type_with_the_traceback_from_there():
    @remote
    def divide(a, b):
        return a / b

    with pytest.raises(ZeroDivisionError, match="division by zero") as caught:
        divide.remote(1, 0)
    there = str(caught.value.__cause__)
    assert "in divide" in there
    assert "return a / b" in there
    assert caught.value.remote_traceback.frames[-1].name == "divide"


def test_an_exception_of_the_users_own_class_comes_back_whole():
    @remote
    def reject():
        raise Rejected(404, hint="look elsewhere")

    with pytest.raises(Rejected) as caught:
        reject.remote()
    assert (caught.value.code, caught.value.hint) == (404, "look elsewhere")
    assert str(caught.value) == "rejected with 404"


def test_an_exception_of_a_class_that_is_unknown_here_comes_back_as_text():
    @remote
    def fail():
        odd = type("Odd", (ValueError,), {"__module__": "only_there"})
        raise odd("strange")

    with pytest.raises(RemoteError, match=r"only_there\.Odd: strange") as caught:
        fail.remote()
    assert caught.value.type_name == "only_there.Odd"
    assert "in fail" in caught.value.traceback_text
    assert "raise odd" in caught.value.traceback_text


def test_causes_notes_and_groups_come_with_an_exception():
    @remote
    def fail():
        try:
            {}["key"]
        except KeyError as error:
            error.add_note("a note")
            raise ExceptionGroup("several", [ValueError("one"), OSError(2, "two")]) from error

    with pytest.raises(ExceptionGroup) as caught:
        fail.remote()
    one, two = caught.value.exceptions
    assert (type(one), type(two)) == (ValueError, FileNotFoundError)
    assert (str(one), str(two)) == ("one", "[Errno 2] two")
    assert isinstance(caught.value.__cause__, KeyError)
    assert caught.value.__cause__.__notes__ == ["a note"]


def test_a_failed_call_says_so():
    @remote
    def fail():
        print("about to fail")
        raise ValueError("bad value")

    call = fail.spawn()
    assert isinstance(call.exception(20), ValueError)
    assert call.status is InvocationState.FAILED
    assert call.stats.error == "ValueError: bad value"
    assert call.logs == "about to fail\n"
    assert repr(call).endswith("ValueError>")


def test_endless_recursion_is_an_error_and_no_crash(run_here):
    def recurse(n):
        return recurse(n + 1)

    with pytest.raises(RecursionError):
        run_here.remote(recurse, 0)


def test_an_exception_that_can_not_be_shown_is_still_reported(run_here):
    def fail():
        class Unspeakable(ValueError):
            def __str__(self):
                raise RuntimeError("no")

            __repr__ = __str__

        raise Unspeakable(threading.Lock())

    with pytest.raises(RemoteError, match="Unspeakable"):
        run_here.remote(fail)


def test_a_message_of_megabytes_is_cut(run_here):
    def fail():
        raise ValueError("x" * 10_000_000)

    with pytest.raises(ValueError, match=r"x{100}") as caught:
        run_here.remote(fail)
    assert len(str(caught.value)) < 100_000


def test_an_interrupt_raised_there_does_not_interrupt_here(run_here):
    def fail():
        raise KeyboardInterrupt("stop")

    with pytest.raises(RemoteError, match="KeyboardInterrupt: stop"):
        run_here.remote(fail)


# -- the end of the process


@pytest.mark.parametrize("code", [3, 0, None, "a reason"])
def test_sys_exit_is_told_with_its_code(run_here, code):
    with pytest.raises(FunctionExited, match=r"called sys\.exit") as caught:
        run_here.remote(sys.exit, code)
    assert caught.value.code == code


@pytest.mark.parametrize("code", [0, 7])
def test_an_exit_without_a_word_is_a_crash_with_its_code(run_here, code):
    with pytest.raises(SandboxCrashed, match=f"ended with exit code {code} before") as caught:
        run_here.remote(os._exit, code)
    assert caught.value.exit_code == code


def test_a_segfault_is_told(run_here):
    with pytest.raises(SandboxCrashed, match=r"ended by SIGSEGV.*C extension") as caught:
        run_here.remote(ctypes.string_at, 0)
    assert caught.value.signal_name == "SIGSEGV"


def test_a_kill_is_not_taken_for_a_lack_of_memory(run_here):
    def kill():
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(SandboxLost, match="SIGKILL") as caught:
        run_here.remote(kill)
    assert not isinstance(caught.value, OutOfMemory | SandboxCrashed)


@pytest.mark.parametrize("isolation", ["reuse", "call"])
def test_too_much_memory_is_told_with_the_limit_and_the_fix(isolation):
    @remote(memory="64MB", isolation=isolation, max_containers=1)
    def grow(megabytes):
        data = []
        for _ in range(megabytes // 4):
            data.append(b"x" * (4 << 20))
            time.sleep(0.02)
        return len(data)

    with pytest.raises(OutOfMemory, match=r"limit of 64 MB.*memory='128MB'") as caught:
        grow.remote(400)
    assert isinstance(caught.value, MemoryError)
    assert grow.remote(0) == 0


# -- time


@pytest.mark.parametrize("isolation", ["reuse", "call"])
def test_a_timeout_ends_a_function_that_ignores_every_signal(service, isolation):
    @remote(timeout=0.5, max_containers=1, isolation=isolation)
    def stubborn(seconds):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        while seconds:
            time.sleep(seconds)

    stubborn.remote(0)
    call = stubborn.spawn(60)
    began = time.monotonic()
    error = call.exception(20)
    assert 0.3 < time.monotonic() - began < 10
    assert isinstance(error, FunctionTimeout)
    assert isinstance(error, TimeoutError)
    assert "timeout of 0.5 s" in str(error)
    assert "stubborn.with_options(timeout=1)" in str(error)
    assert call.status is InvocationState.TIMED_OUT
    until(lambda: call.stats.sandbox not in {row.id for row in service.sandboxes()})
    assert stubborn.remote(0) is None


def test_items_behind_one_that_timed_out_run_and_are_not_charged():
    @remote(timeout=0.5, max_containers=1)
    def sleep(seconds):
        time.sleep(seconds)
        return seconds

    list(sleep.map([0] * 50))
    run = sleep.map([0, 60, 0, 0, 0], return_exceptions=True)
    zero, late, *rest = run
    assert (zero, rest) == (0, [0, 0, 0])
    assert isinstance(late, FunctionTimeout)
    assert [len(call.attempts) for call in run.calls] == [1, 1, 1, 1, 1]


def test_the_time_in_the_queue_does_not_count():
    @remote(timeout=1, max_containers=1)
    def sleep(seconds):
        time.sleep(seconds)
        return seconds

    assert list(sleep.map([0.6, 0.6, 0.6])) == [0.6, 0.6, 0.6]


# -- results


def test_a_result_that_can_not_be_pickled_is_named_by_its_path(run_here):
    def locked():
        return {"model": [1, threading.Lock()]}

    with pytest.raises(ResultNotPicklable, match=r"\['model'\]\[1\].*lock") as caught:
        run_here.remote(locked)
    assert "['model'][1]" in caught.value.path


def test_a_generator_is_no_result():
    @remote
    def count(n):
        yield from range(n)

    with pytest.raises(ResultNotPicklable, match="generator"):
        count.remote(3)


def test_a_result_above_the_limit_is_not_sent(setting):
    setting(result_limit=1_000_000)

    @remote(max_containers=1)
    def make(size):
        return bytes(size)

    with pytest.raises(ResultTooLarge, match=r"returned 1\.9 MB; the limit is 976\.6 KB") as caught:
        make.remote(2_000_000)
    assert caught.value.size > caught.value.limit == 1_000_000
    assert len(make.remote(900_000)) == 900_000


# -- sandboxes that are lost


def test_a_stopped_sandbox_is_given_up_and_not_waited_for(run_here, setting):
    setting(silence=0.3)

    def freeze():
        os.kill(os.getpid(), signal.SIGSTOP)

    began = time.monotonic()
    with pytest.raises(SandboxLost, match="SIGSTOP"):
        run_here.remote(freeze)
    assert time.monotonic() - began < 10


def test_a_silent_sandbox_that_is_at_work_is_left_alone(run_here, setting):
    setting(silence=0.1)
    assert run_here.remote(time.sleep, 2.5) is None


def test_rubbish_on_the_agents_socket_loses_the_sandbox_and_no_more(run_here):
    def write_rubbish():
        for fd in range(3, 100):
            try:
                if "socket" in os.readlink(f"/proc/self/fd/{fd}"):
                    os.write(fd, b"HTTP/1.1 200 OK\r\n\r\n" * 10)
            except OSError:
                continue

    with pytest.raises(SandboxLost, match="broke the protocol"):
        run_here.remote(write_rubbish)


def test_an_answer_to_another_call_is_not_believed(run_here):
    def forge():
        import struct

        # A RESULT for call 77, with no figures and an empty body.
        frame = struct.pack("<BBBBIQQ", 1, 9, 1, 0, 0, 77, 0)
        for fd in range(3, 100):
            try:
                if "socket" in os.readlink(f"/proc/self/fd/{fd}"):
                    os.write(fd, frame)
            except OSError:
                continue

    with pytest.raises(SandboxLost, match="an answer to 77"):
        run_here.remote(forge)


def test_a_function_that_closes_every_descriptor_loses_its_sandbox(run_here):
    with pytest.raises(SandboxLost):
        run_here.remote(os.closerange, 0, 1000)


def test_threads_that_a_function_left_do_not_keep_its_sandbox(service):
    @remote
    def leave():
        threading.Thread(target=time.sleep, args=(3600,)).start()

    call = leave.spawn()
    call.result(20)
    service.dispatcher.stop_idle()
    until(lambda: call.stats.sandbox not in {row.id for row in service.sandboxes()}, 10)


def test_one_killed_sandbox_costs_its_call_and_not_those_behind_it():
    @remote(max_containers=1)
    def maybe(n):
        if n == 10:
            os.kill(os.getpid(), signal.SIGKILL)
        return n

    list(maybe.map([0] * 100))  # so quick that many are sent ahead
    run = maybe.map(range(60), return_exceptions=True)
    results = list(run)
    assert isinstance(results[10], SandboxLost)
    assert results[:10] + results[11:] == [*range(10), *range(11, 60)]
    assert {len(call.attempts) for call in run.calls} == {1}
    assert [call.id for call in run.failed] == [run[10].id]


def test_a_lost_sandbox_is_retried_where_that_was_asked(service):
    @remote(retries=Retries(max_retries=2, initial_delay=0.01, retry_on=(SandboxLost,)))
    def hard(n):
        os._exit(1)

    call = hard.spawn(1)
    assert isinstance(call.exception(20), SandboxCrashed)
    assert len(call.attempts) == 3
    assert len({attempt.sandbox for attempt in call.attempts}) == 3


def test_a_function_that_asks_a_terminal_is_told_that_there_is_none(service):
    def ask():
        return input("name? ")

    def stop():
        breakpoint()
        return 1

    for function, kind in ((ask, EOFError), (stop, (RemoteError, bdb.BdbQuit))):
        called = remote(function)
        with pytest.raises(kind) as caught:
            called.remote()
        assert "Functions run without a terminal" in caught.value.__notes__[0]
        with pytest.raises(kind):  # the sandbox is as good as before
            called.remote()
    assert remote(len).remote("abc") == 3
