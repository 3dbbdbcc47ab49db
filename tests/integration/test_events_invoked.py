"""Invocations of events, through the dispatcher of the service."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Sequence

import pytest

from nbfaas import Retries, remote
from nbfaas.agent.event import Event
from nbfaas.dispatch.invocation import Invocation, event_invocation
from nbfaas.errors.invocation import BindingError
from nbfaas.model.invocation import InvocationState

pytestmark = pytest.mark.usefixtures("service")

SECONDS = 60


def invocation_of(function, event: Event, *, attempt: int = 1, **options) -> Invocation:
    body, trigger = event.to_json(), "orders"
    return event_invocation(
        uuid.uuid4().hex,
        function.version(),
        body,
        attempt=attempt,
        trigger=trigger,
        queued_at=time.time(),
        **options,
    )


def settle(service, invocations: Sequence[Invocation]) -> None:
    """Submit them together, and wait until all are settled."""
    left, done = len(invocations), threading.Semaphore(0)
    for invocation in invocations:
        invocation.listener = lambda _: done.release()
    service.dispatcher.submit(list(invocations))
    for _ in range(left):
        assert done.acquire(timeout=SECONDS)


def delivered(service, function, event: Event, **options) -> Invocation:
    invocation = invocation_of(function, event, **options)
    settle(service, [invocation])
    return invocation


def test_an_event_s_invocation_gets_the_attempt_of_its_delivery(service):
    @remote(max_containers=1)
    def score(event, context, id):
        return event, context.attempt, context.trigger, context.invocation_id, id

    event = Event("order.placed", {"id": 7})
    for attempt in (1, 5):  # the second one is sent by this very thread
        invocation = delivered(service, score, event, attempt=attempt)
        assert invocation.value == (event, attempt, "orders", invocation.id, 7)
        assert invocation.state is InvocationState.SUCCEEDED
        assert len(invocation.attempts) == 1


def test_events_and_calls_of_a_function_share_its_sandbox(service):
    @remote(max_containers=1)
    def double(x):
        return 2 * x

    invocations = [invocation_of(double, Event("t", {"x": x})) for x in range(100)]
    settle(service, invocations)
    assert [each.value for each in invocations] == [2 * x for x in range(100)]
    assert double.remote(4) == 8
    assert double(4) == 8


def test_an_event_s_invocation_is_not_tried_again_whatever_the_function_s_retries(service):
    @remote(retries=Retries(max_retries=3, initial_delay=0))
    def fail(event):
        raise ValueError(event.id)

    invocation = delivered(service, fail, Event("t", id="e-1"))
    assert isinstance(invocation.error, ValueError)
    assert len(invocation.attempts) == 1


def test_an_event_that_can_t_be_bound_is_a_typed_error(service):
    @remote
    def score(amount: int):
        return amount

    invocation = delivered(service, score, Event("t", {"total": 3}))
    error = invocation.error
    assert isinstance(error, BindingError)
    assert error.parameter == "amount"
    assert "'total'" in error.problem
    assert all(part in str(error) for part in ("'score'", "'amount'", "'total'"))


def test_a_plain_call_is_never_bound_but_called(service):
    @remote
    def score(event, context=None, **rest):
        return event, context, rest

    assert score.remote(3) == (3, None, {})
    event = Event("t", {"a": 1})
    assert score.remote(event, a=2) == (event, None, {"a": 2})
    assert score(event) == (event, None, {})


def test_only_the_first_event_in_a_sandbox_is_a_cold_start(service):
    @remote(max_containers=1, scratch="11MB")
    def cold(context):
        return context.cold_start

    invocations = [invocation_of(cold, Event("t")) for _ in range(3)]
    settle(service, invocations)
    assert [each.value for each in invocations] == [True, False, False]


def test_whoever_waits_may_have_a_deadline_before_the_timeout(service):
    @remote(timeout=100)
    def left(context):
        return context.remaining_time()

    assert 90 < delivered(service, left, Event("t")).value <= 100
    assert delivered(service, left, Event("t"), deadline=time.time() + 40).value <= 40
