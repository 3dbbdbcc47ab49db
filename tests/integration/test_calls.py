"""The ways to call a function, in each backend."""

import asyncio
import concurrent.futures
import dataclasses
import os
import threading
import time

import pytest
from waiting import until

import nbfaas
from nbfaas import remote
from nbfaas.errors import OptionError, WouldWaitForItself
from nbfaas.model.invocation import InvocationState
from nbfaas.model.records import AttemptStarted

pytestmark = pytest.mark.usefixtures("service")

FACTOR = 3


@dataclasses.dataclass
class Point:
    """A class of the user's own: it goes there and comes back."""

    x: int
    y: int


@remote
def scale(point, factor=FACTOR):
    return Point(point.x * factor, point.y * factor)


def test_a_function_of_a_local_module_runs_there_and_here_alike():
    assert scale.remote(Point(1, 2)) == scale(Point(1, 2)) == Point(3, 6)
    assert scale.remote(Point(1, 2), factor=10) == Point(10, 20)


def test_a_function_runs_in_another_process():
    @remote
    def where():
        return os.getpid(), os.getcwd()

    assert where.remote() != (os.getpid(), os.getcwd())


def test_remote_functions_call_each_other_plainly_in_the_sandbox():
    @remote
    def inner(n):
        return n + 1

    @remote
    def outer(n):
        return inner(n) * 2

    assert outer.remote(1) == 4


def test_what_a_function_closes_over_is_shipped_as_it_is_at_the_call():
    level = 1

    @remote
    def read():
        return level

    assert read.remote() == 1
    level = 2
    assert read.remote() == 2


def test_large_arguments_and_results_cross_unharmed():
    @remote
    def turn(data):
        return data[::-1]

    data = os.urandom(5 << 20)
    assert turn.remote(data) == data[::-1]
    assert turn.remote(bytearray(data)) == data[::-1]


# -- calls


def test_a_spawned_call_is_a_future_that_knows_itself():
    @remote
    def double(n):
        print("doubling", n)
        return 2 * n

    call = double.spawn(4)
    assert isinstance(call, concurrent.futures.Future)
    assert call.result(20) == 8
    assert call.done()
    assert call.status is InvocationState.SUCCEEDED
    assert call.function == "double"
    assert call.logs == "doubling 4\n"
    assert call.stats.attempt == 1
    assert nbfaas.FunctionCall.from_id(call.id) is call
    assert f"<FunctionCall {call.id} double SUCCEEDED in " in repr(call)


async def test_calls_can_be_awaited():
    @remote
    def double(n):
        return 2 * n

    assert await double.remote.aio(1) == 2
    assert await double.spawn(2) == 4
    assert await asyncio.gather(*(double.remote.aio(n) for n in range(5))) == [0, 2, 4, 6, 8]


async def test_cancelling_the_coroutine_that_awaits_a_call_cancels_the_call():
    @remote
    def sleep():
        time.sleep(60)

    call = sleep.remote.aio()
    waiter = asyncio.ensure_future(call)
    await asyncio.sleep(0)  # before that, the coroutine does not await anything yet
    while not call.running():
        await asyncio.sleep(0.01)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert call.status is InvocationState.CANCELLED


def test_what_remote_waits_for_can_be_cancelled_by_its_id(service):
    @remote
    def sleep():
        time.sleep(60)

    ids = []
    unsubscribe = service.subscribe(
        lambda record: (
            ids.append(record.invocation_id) if isinstance(record, AttemptStarted) else None
        )
    )
    with concurrent.futures.ThreadPoolExecutor() as threads:
        waiting = threads.submit(sleep.remote)
        until(lambda: ids)
        call = nbfaas.FunctionCall.from_id(ids[0])
        assert call.status is InvocationState.RUNNING
        assert call.cancel()
        with pytest.raises(concurrent.futures.CancelledError):
            waiting.result(20)
    unsubscribe()
    assert call.status is InvocationState.CANCELLED


def test_a_coroutine_function_is_run_to_its_end():
    @remote
    async def later(n):
        await asyncio.sleep(0.01)
        return n + 1

    assert later.remote(1) == 2


def test_the_same_call_can_be_run_again():
    @remote
    def add(a, b):
        return a + b

    first = add.spawn(1, b=2)
    again = first.rerun()
    assert (first.result(20), again.result(20)) == (3, 3)
    assert first.id != again.id


def test_gathering_gives_results_in_the_order_of_the_calls():
    @remote
    def sleep(seconds):
        time.sleep(seconds)
        return seconds

    assert nbfaas.gather(sleep.spawn(0.2), sleep.spawn(0.0)) == [0.2, 0.0]


def test_gathering_raises_the_error_of_a_call_or_returns_it():
    @remote
    def inverse(n):
        return 1 / n

    with pytest.raises(ZeroDivisionError):
        nbfaas.gather(inverse.spawn(1), inverse.spawn(0))
    one, error = nbfaas.gather(inverse.spawn(1), inverse.spawn(0), return_exceptions=True)
    assert one == 1
    assert isinstance(error, ZeroDivisionError)


def test_gathering_what_is_no_call_says_what_to_give():
    @remote
    def nothing():
        pass

    with pytest.raises(OptionError, match=r"gather\(\*calls\)"):
        nbfaas.gather([nothing.spawn()])
    with pytest.raises(OptionError, match="list of calls"):
        list(nbfaas.as_completed([1]))


def test_waiting_too_short_says_that_the_call_goes_on():
    @remote
    def sleep(seconds):
        time.sleep(seconds)
        return seconds

    call = sleep.spawn(1)
    for wait in call.result, call.exception:
        with pytest.raises(TimeoutError, match=r"of 'sleep' has not ended within 0\.01 s"):
            wait(timeout=0.01)
    assert call.result(20) == 1


def test_a_timeout_that_a_function_raises_is_its_own():
    @remote
    def give_up():
        raise TimeoutError("no answer")

    with pytest.raises(TimeoutError, match="no answer"):
        give_up.spawn().result(20)


def test_calls_can_be_taken_as_they_complete():
    @remote(max_containers=2)
    def sleep(seconds):
        time.sleep(seconds)
        return seconds

    sleep.map([0.05, 0.05]).wait(20)  # two sandboxes, and no call so short that it is sent ahead
    calls = [sleep.spawn(0.5), sleep.spawn(0.0)]
    done = [call.result() for call in nbfaas.as_completed(calls, timeout=20)]
    assert done == [0.0, 0.5]
    run = sleep.map([0.5, 0.0])
    assert [call.result() for call in nbfaas.as_completed(run, timeout=20)] == [0.0, 0.5]


def test_other_options_make_another_function_and_leave_the_first_as_it_was():
    @remote(env={"MODE": "first"})
    def mode():
        return os.environ["MODE"]

    other = mode.with_options(env={"MODE": "second"})
    assert (mode.remote(), other.remote(), mode.remote()) == ("first", "second", "first")


def test_many_threads_can_call_at_once():
    @remote(max_containers=2)
    def double(n):
        return 2 * n

    results: dict[int, int] = {}
    threads = [
        threading.Thread(target=lambda n=n: results.__setitem__(n, double.remote(n)))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == {n: 2 * n for n in range(20)}


# -- cancelling


def test_a_queued_call_that_is_cancelled_never_starts():
    @remote(max_containers=1)
    def sleep(seconds):
        time.sleep(seconds)
        return seconds

    first, second, third = sleep.spawn(0.5), sleep.spawn(0.1), sleep.spawn(0.0)
    until(first.running)
    assert second.cancel()
    assert second.status is InvocationState.CANCELLED
    with pytest.raises(concurrent.futures.CancelledError):
        second.result()
    assert (first.result(20), third.result(20)) == (0.5, 0.0)
    assert second.attempts == []
    assert second.cancel(), "it is cancelled, as it was before"


def test_a_running_call_that_is_cancelled_is_killed_and_the_next_one_runs():
    @remote(max_containers=1)
    def sleep(seconds):
        time.sleep(seconds)
        return seconds

    endless = sleep.spawn(60)
    behind = [sleep.spawn(0) for _ in range(3)]
    until(endless.running)
    began = time.monotonic()
    assert endless.cancel()
    with pytest.raises(concurrent.futures.CancelledError, match="'sleep' was cancelled"):
        endless.result()
    assert [call.result(20) for call in behind] == [0, 0, 0]
    assert sleep.remote(0) == 0
    assert time.monotonic() - began < 20
    assert all(len(call.attempts) == 1 for call in behind), "they are not charged for it"
    assert not behind[0].cancel()


def test_an_ended_call_can_not_be_cancelled():
    @remote
    def nothing():
        pass

    call = nothing.spawn()
    call.result(20)
    assert not call.cancel()
    assert call.status is InvocationState.SUCCEEDED


def test_a_callback_that_waits_for_another_call_is_refused_not_left_hanging(service):
    @remote(cpu=0.2)
    def echo(value):
        time.sleep(0.2)
        return value

    slow = echo.with_options(env={"OTHER": "1"}).spawn(1)
    refused = []

    def wait_for_another(_):
        for wait in (slow.result, lambda: slow.result(5), lambda: echo.remote(2)):
            try:
                wait()
            except WouldWaitForItself as error:
                refused.append(error)

    call = echo.spawn(0)
    call.add_done_callback(wait_for_another)
    assert (call.result(20), slow.result(20), echo.remote(4)) == (0, 1, 4)
    until(lambda: refused)
    assert "spawn" in str(refused[-1])
