"""``context.state`` in calls, and the same state in the notebook."""

from __future__ import annotations

import asyncio
import threading

import pytest

import nbfaas
from nbfaas import Context, Event, State, remote
from nbfaas.errors import RemoteError

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture(autouse=True)
def empty():
    for name in ("count", "other"):
        for key in State(name):
            State(name).delete(key)


@remote
def count(by, context: Context):
    return context.state.incr("n", by)


@pytest.mark.parametrize("isolation", ["reuse", "call"])
def test_calls_in_several_sandboxes_share_one_state(isolation):
    counted = count.with_options(isolation=isolation, memory="64MB")
    found = list(counted.map([1] * 40))
    assert sorted(found) == list(range(1, 41))
    assert State("count").get("n") == 40
    assert count(2) == 42  # here
    assert counted.remote(1) == 43
    assert State("count").incr("n") == 44


def test_each_function_has_state_of_its_own():
    @remote
    def other(context: Context):
        return context.state.get("n", "nothing"), context.state.keys()

    count.remote(1)
    assert other.remote() == ("nothing", [])


def test_events_and_local_calls_have_the_same_state():
    count.remote(1)
    event = Event("t", data={"by": 4})
    assert nbfaas.events.call_locally(count, event) == 5
    assert State("count").get("n") == 5


def test_a_lease_is_taken_by_one_of_many():
    @remote(memory="64MB")
    def count(number, context: Context):
        return context.state.compare_and_set("leader", None, number)

    assert sum(count.map(range(12))) == 1
    assert State("count").get("leader") in range(12)


def test_threads_and_coroutines_of_a_function_may_ask():
    @remote
    async def count(context: Context):
        def many():
            for _ in range(20):
                context.state.incr("n")

        threads = [threading.Thread(target=many) for _ in range(3)]
        for each in threads:
            each.start()
        context.state.incr("n")
        await asyncio.gather(*(asyncio.to_thread(context.state.incr, "n") for _ in range(9)))
        for each in threads:
            each.join()
        return context.state.get("n")

    assert count.remote() == 70


def test_a_process_that_the_function_starts_is_refused():
    @remote
    def count(context: Context):
        import os

        context.state.incr("n")
        read_end, write_end = os.pipe()
        if os.fork() == 0:
            try:
                context.state.incr("n")
            except Exception as error:
                os.write(write_end, str(error).encode())
            os._exit(0)
        os.wait()
        return os.read(read_end, 1000).decode(), context.state.incr("n")

    said, n = count.remote()
    assert "own process" in said
    assert n == 2


def test_state_that_is_returned_or_too_large_is_the_functions_error():
    @remote
    def count(what, context: Context):
        if what == "return":
            return context.state
        context.state.set("k", "x" * 300_000)

    with pytest.raises(nbfaas.errors.ResultNotPicklable, match="take it from the context"):
        count.remote("return")
    with pytest.raises(RemoteError, match=r"StateRefused.*262144 are allowed"):
        count.remote("large")


def test_a_function_knows_its_invocation_in_a_plain_call():
    @remote(timeout=33)
    def count(context: Context):
        return context.invocation_id, context.attempt, context.timeout, context.function_name

    call = count.spawn()
    assert call.result() == (call.id, 1, 33.0, "count")
    assert count()[2:] == (33.0, "count")


def test_a_function_without_a_context_is_called_as_ever():
    @remote
    def plain(x, context="mine"):
        return x, context

    assert plain.remote(1) == (1, "mine")
    assert plain.remote(1, "yours") == plain(1, "yours") == (1, "yours")
    assert not plain.version().takes_context or plain(1) == (1, "mine")


def test_a_full_state_is_told(setting):
    setting(state_quota=1000)

    @remote
    def count(context: Context):
        context.state.set("k", "x" * 2000)

    with pytest.raises(RemoteError, match=r"StateFull.*state_quota"):
        count.remote()
    assert "0 keys" in repr(State("count"))
