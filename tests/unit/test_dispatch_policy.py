"""The dispatcher's rules: when to retry, how far to look ahead, how many sandboxes, what fits."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfaas.delivery.retrying import after_failure
from nbfaas.dispatch.autoscale import START_SECONDS, desired_sandboxes
from nbfaas.dispatch.budget import Budget
from nbfaas.dispatch.lookahead import AHEAD, MOST, Durations, window
from nbfaas.dispatch.retry import retry_delay
from nbfaas.errors import (
    FunctionTimeout,
    InsufficientResources,
    LoadFailed,
    MissingPackage,
    SandboxLost,
    UntrustedResult,
)
from nbfaas.errors.invocation import BindingError
from nbfaas.model.delivery import DeliveryPolicy
from nbfaas.model.function import MB, NO_RETRIES, Resources, Retries

THRICE = Retries(max_retries=3, initial_delay=1.0, backoff_coefficient=2.0, max_delay=3.0)


def durations(*seconds: float) -> Durations:
    known = Durations()
    for each in seconds:
        known.add(each)
    return known


# -- retries


def test_delays_grow_geometrically_up_to_the_longest_and_then_end():
    delays = [retry_delay(THRICE, attempts, ValueError()) for attempts in (1, 2, 3, 4)]
    assert delays == [1.0, 2.0, 3.0, None]


@pytest.mark.parametrize(("retry", "coefficient"), [(2000, 2.0), (3, 1e300)])
def test_delays_that_no_float_holds_are_the_longest_one(retry, coefficient):
    retries = Retries(3000, initial_delay=0.5, backoff_coefficient=coefficient, max_delay=60.0)
    assert retry_delay(retries, retry, ValueError()) == 60.0
    assert retry_delay(replace(retries, initial_delay=0.0), retry, ValueError()) == 0.0
    policy = DeliveryPolicy(3000, 0.5, coefficient, 60.0)
    failed = {"attempt": retry, "expires_at": 1e9, "now": 0.0, "permanent": False}
    assert after_failure(policy, **failed, random=lambda: 1.0).due_at == 60.0


def test_nothing_is_retried_unless_asked():
    assert retry_delay(NO_RETRIES, 1, ValueError()) is None


def test_only_the_errors_named_are_retried():
    retries = Retries(max_retries=3, retry_on=(OSError, SandboxLost))
    assert retry_delay(retries, 1, ConnectionError()) is not None
    assert retry_delay(retries, 1, SandboxLost("f", "s", "gone")) is not None
    assert retry_delay(retries, 1, ValueError()) is None


def test_a_timeout_is_retried_as_the_timeout_error_it_is():
    retries = Retries(max_retries=1, retry_on=(TimeoutError,))
    assert retry_delay(retries, 1, FunctionTimeout("f", 1.0)) is not None


@pytest.mark.parametrize(
    "error",
    [
        LoadFailed("f", "boom"),
        MissingPackage("f", "m", "python"),
        UntrustedResult("f", "m.T"),
        BindingError("f", "x", "it is required"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_another_attempt_can_not_change_is_not_retried(error):
    assert retry_delay(THRICE, 1, error) is None


@given(
    st.builds(
        Retries,
        max_retries=st.integers(0, 50),
        initial_delay=st.floats(0, 100),
        backoff_coefficient=st.floats(1, 10),
        max_delay=st.floats(0, 1000),
    ),
    st.integers(1, 60),
)
def test_a_delay_is_never_negative_nor_beyond_the_longest(retries, attempts):
    delay = retry_delay(retries, attempts, ValueError())
    assert (delay is None) == (attempts > retries.max_retries)
    assert delay is None or 0 <= delay <= retries.max_delay


# -- look-ahead


def test_durations_are_averaged_with_the_latest_weighing_most():
    known = durations(1.0, *[0.1] * 40)
    assert known.count == 41
    assert known.mean == pytest.approx(0.1, rel=0.01)
    assert 0.1 < known.peak < 1.0, "the longest is forgotten slowly"
    assert "41" in repr(known)


def test_nothing_waits_in_a_sandbox_while_durations_are_unknown():
    assert window(Durations(), queued=1000, sandboxes=4) == 1


def test_short_invocations_are_sent_ahead_and_long_ones_are_not():
    assert window(durations(1e-5), queued=10_000, sandboxes=2) == MOST
    assert window(durations(AHEAD / 4), queued=10_000, sandboxes=2) == 4
    assert window(durations(1.0), queued=10_000, sandboxes=2) == 1


def test_a_single_long_one_stops_the_looking_ahead():
    assert window(durations(*[1e-5] * 50, 1.0), queued=10_000, sandboxes=2) == 1


def test_a_sandbox_takes_no_more_than_its_share_of_what_waits():
    assert window(durations(1e-5), queued=5, sandboxes=2) == 3
    assert window(durations(1e-5), queued=1, sandboxes=4) == 1


@given(st.lists(st.floats(0, 1e4), max_size=20), st.integers(0, 10**6), st.integers(0, 100))
def test_a_window_is_always_between_one_and_the_most(seconds, queued, sandboxes):
    assert 1 <= window(durations(*seconds), queued, sandboxes) <= MOST


# -- how many sandboxes


def desired(queued=0, in_flight=0, existing=0, known=None, limit=None):
    return desired_sandboxes(
        queued=queued,
        in_flight=in_flight,
        existing=existing,
        durations=known or Durations(),
        limit=limit,
    )


def test_each_invocation_gets_a_sandbox_while_nothing_is_known():
    assert desired(queued=5) == 5
    assert desired(queued=5, in_flight=2, existing=2) == 7


def test_a_limit_is_kept():
    assert desired(queued=5, limit=2) == 2
    assert desired(queued=5, in_flight=2, existing=2, limit=2) == 2


def test_thousands_of_tiny_invocations_start_no_further_sandbox():
    assert desired(queued=1000, in_flight=1, existing=1, known=durations(1e-4)) == 1


def test_as_many_are_started_as_finish_the_queue_while_one_starts():
    assert desired(queued=100, in_flight=1, existing=1, known=durations(START_SECONDS / 10)) == 10


def test_what_exists_is_kept_although_nothing_waits():
    assert desired(existing=3) == 3


@given(
    st.integers(0, 10**5),
    st.integers(0, 100),
    st.integers(0, 100),
    st.lists(st.floats(0, 1e3), max_size=5),
    st.none() | st.integers(1, 50),
)
def test_the_number_wanted_obeys_limit_and_need(queued, in_flight, existing, seconds, limit):
    wanted = desired(queued, in_flight, existing, durations(*seconds), limit)
    assert limit is None or wanted <= limit
    assert wanted <= max(queued + in_flight, existing)
    assert wanted >= 1 or not (queued + in_flight)


# -- the budget


def test_what_could_never_start_is_refused_and_the_setting_named():
    budget = Budget(cpu=2, memory=1024 * MB)
    with pytest.raises(InsufficientResources) as cpu:
        budget.check("score", Resources(cpu=1000))
    with pytest.raises(InsufficientResources) as memory:
        budget.check("score", Resources(memory=2048 * MB))
    assert "'score' asks for cpu=1000, but nbfaas may use 2 cores" in str(cpu.value)
    assert "nbfaas.config.cpu_budget" in str(cpu.value)
    assert "memory=2 GB" in str(memory.value)
    assert "nbfaas.config.memory_budget" in str(memory.value)


def test_all_of_the_budget_can_be_taken_and_no_more():
    budget = Budget(cpu=0.3, memory=300)
    at_work = 0.0
    for _ in range(3):
        part = Resources(cpu=0.1, memory=100)
        assert budget.has_cores(part, at_work)
        assert budget.has_memory(part)
        budget.take(part)
        at_work += part.cpu
    assert not budget.has_cores(Resources(cpu=0.01, memory=0), at_work)
    assert not budget.has_memory(Resources(cpu=0, memory=1))


@given(st.lists(st.tuples(st.floats(0.01, 64), st.integers(1, 10**10)), max_size=30))
def test_what_is_taken_and_given_back_leaves_nothing(sizes):
    budget = Budget(cpu=4, memory=10**9)
    taken = [Resources(cpu=cpu, memory=memory) for cpu, memory in sizes]
    for each in taken:
        budget.take(each)
    for each in reversed(taken):
        budget.give_back(each)
    assert budget.memory_used == 0
