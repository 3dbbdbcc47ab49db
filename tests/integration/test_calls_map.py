"""One function over many inputs, in each backend."""

import concurrent.futures
import os
import time

import pytest
from waiting import until

from nbfaas import Retries, remote
from nbfaas.errors import OptionError
from nbfaas.model.invocation import InvocationState

pytestmark = pytest.mark.usefixtures("service")


def test_results_come_in_the_order_of_the_inputs():
    @remote
    def square(n):
        return n * n

    run = square.map(range(500))
    assert list(run) == [n * n for n in range(500)]
    assert run.results() == list(run), "it can be read again"
    assert len(run) == 500
    assert run[7].result() == 49
    assert run.done
    assert (run.counts.done, run.counts.queued, run.failed) == (500, 0, [])


def test_items_are_passed_whole_and_starmap_unpacks_them():
    @remote
    def name(*args, **kwargs):
        return args, kwargs

    assert list(name.map([(1, 2)])) == [(((1, 2),), {})]
    assert list(name.starmap([(1, 2), [3]], kwargs={"k": 0})) == [
        ((1, 2), {"k": 0}),
        ((3,), {"k": 0}),
    ]


def test_several_inputs_are_taken_side_by_side_up_to_the_shortest():
    @remote
    def add(a, b, c=0):
        return a + b + c

    assert list(add.map([1, 2, 3], iter([10, 20]), kwargs={"c": 100})) == [111, 122]


def test_a_map_of_nothing_is_done_at_once():
    @remote
    def nothing(n):
        return n

    run = nothing.map([])
    assert (list(run), run.done, run.wait(0)) == ([], True, True)


def test_what_can_not_be_mapped_over_is_refused_before_anything_runs():
    @remote
    def double(n):
        return 2 * n

    for refused in (
        lambda: double.map(),
        lambda: double.map(3),
        lambda: double.starmap(3),
        lambda: double.starmap([1, 2]),
    ):
        with pytest.raises(OptionError, match=r"give|tuple"):
            refused()


def test_results_can_be_had_in_the_order_of_completion():
    @remote(max_containers=2)
    def sleep(seconds):
        time.sleep(seconds)
        return seconds

    sleep.map([0.05, 0.05]).wait(20)  # two sandboxes, and no call so short that it is sent ahead
    assert list(sleep.map([0.6, 0.0, 0.1], order_outputs=False)) == [0.0, 0.1, 0.6]


def test_results_stream_while_others_still_run():
    @remote(max_containers=1)
    def sleep(seconds):
        time.sleep(seconds)
        return seconds

    run = sleep.map([0, 60])
    assert next(iter(run)) == 0
    assert not run.done
    assert not run.wait(0.05)
    run.cancel()


def test_an_item_that_fails_raises_at_its_turn_and_the_others_go_on():
    @remote
    def inverse(n):
        return 1 / n

    run = inverse.map([1, 0, 2])
    results = iter(run)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError) as caught:
        next(results)
    assert f"(item 1 of the map {run.id} of 'inverse')" in caught.value.__notes__
    assert run.wait(20)
    assert run[2].result() == 0.5
    assert [call.id for call in run.failed] == [run[1].id]


def test_errors_can_be_returned_in_the_place_of_results():
    @remote
    def inverse(n):
        return 1 / n

    one, error, half = inverse.map([1, 0, 2], return_exceptions=True)
    assert (one, half) == (1, 0.5)
    assert isinstance(error, ZeroDivisionError)


def test_items_that_failed_can_be_run_again_within_the_run():
    @remote(max_containers=1)
    def second_time_lucky(n):
        seen = os.environ.get(f"SEEN_{n}")
        os.environ[f"SEEN_{n}"] = "yes"
        if n % 2 and not seen:
            raise RuntimeError(f"not yet, {n}")
        return n

    run = second_time_lucky.map(range(6), return_exceptions=True)
    assert [type(value) for value in run] == [int, RuntimeError] * 3
    assert len(run.failed) == run.counts.failed == 3
    assert run.retry_failed() is run
    assert list(run) == list(range(6))
    assert (run.failed, run.counts.done, run.counts.failed) == ([], 6, 0)


def test_each_item_is_retried_for_itself():
    @remote(max_containers=1, retries=Retries(max_retries=3, initial_delay=0.01))
    def third_time_lucky(n):
        key = f"TRIES_{n}"
        tries = os.environ[key] = str(int(os.environ.get(key, "0")) + 1)
        if n == 3 and int(tries) < 3:
            raise RuntimeError("not yet")
        return n, tries

    run = third_time_lucky.map(range(6))
    assert list(run) == [(n, "3" if n == 3 else "1") for n in range(6)]
    assert [len(call.attempts) for call in run.calls] == [1, 1, 1, 3, 1, 1]
    states = [attempt.state for attempt in run[3].attempts]
    assert states == [InvocationState.FAILED, InvocationState.FAILED, InvocationState.SUCCEEDED]
    assert run[3].attempts[0].error == "RuntimeError: not yet"


def test_only_the_errors_named_are_retried():
    @remote(retries=Retries(max_retries=2, initial_delay=0.01, retry_on=(OSError,)))
    def fail(kind):
        raise kind("no luck")

    connection, value = fail.spawn(ConnectionError), fail.spawn(ValueError)
    with pytest.raises(ConnectionError):
        connection.result(20)
    with pytest.raises(ValueError, match="no luck"):
        value.result(20)
    assert (len(connection.attempts), len(value.attempts)) == (3, 1)


def test_a_call_that_waits_for_its_retry_can_be_cancelled():
    @remote(retries=Retries(max_retries=1, initial_delay=60))
    def fail():
        raise ValueError

    call = fail.spawn()
    until(lambda: call.status is InvocationState.RETRYING)
    assert call.cancel()
    with pytest.raises(concurrent.futures.CancelledError):
        call.result(5)


def test_cancelling_a_run_ends_it_and_leaves_the_function_usable():
    @remote(max_containers=2)
    def sleep(seconds):
        time.sleep(seconds)
        return seconds

    run = sleep.map([0] + [60] * 50, return_exceptions=True)
    until(lambda: run.counts.running and run.counts.done)
    run.cancel()
    assert run.wait(10)
    assert run.counts.cancelled == 50
    assert run.failed == []
    values = run.results()
    assert values[0] == 0
    assert all(isinstance(value, concurrent.futures.CancelledError) for value in values[1:])
    assert sleep.remote(0) == 0


def test_one_slow_item_does_not_hold_up_the_many_quick_ones_behind_it():
    @remote(max_containers=2)
    def sleep(seconds):
        time.sleep(seconds)
        return seconds

    list(sleep.map([0] * 300))  # now it is known how quick they are
    run = sleep.map([0] * 100 + [3] + [0] * 200, order_outputs=False)
    began = time.monotonic()
    results = iter(run)
    early = [next(results) for _ in range(200)]
    assert sum(early) == 0
    assert time.monotonic() - began < 3
    run.cancel()
