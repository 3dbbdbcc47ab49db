"""The end of a service, and of calls, leaves nobody waiting and nothing in memory."""

import threading
import time

import pytest
from waiting import until

from nbfaas import remote
from nbfaas.errors import CancelledError
from nbfaas.service import Service
from nbfaas.settings import Settings

pytestmark = [
    pytest.mark.usefixtures("service"),
    pytest.mark.parametrize("service", ["process"], indirect=True),
]


@remote
def sleep(seconds):
    time.sleep(seconds)


def test_a_call_that_is_submitted_while_the_loop_stops_is_cancelled(service, tmp_path):
    other = Service(Settings(backend="process", data_dir=str(tmp_path)))
    other.dispatcher  # it is open from here on
    ended = threading.Event()
    stop = other._loop.stop

    def stop_and_submit() -> None:
        stop()
        late = sleep._invocation(other, (0,), {})
        late.listener = lambda invocation: ended.set()
        late_ones.append(late)
        other.dispatcher.submit([late])

    late_ones = []
    other._loop.stop = stop_and_submit
    other.close()
    assert ended.wait(5)
    assert isinstance(late_ones[0].error, CancelledError)


def test_cancelled_calls_hold_no_slot(service):
    calls = [sleep.spawn(60) for _ in range(3)]
    until(lambda: any(call.running() for call in calls))
    run = sleep.map([60.0] * 20)
    for call in calls:
        call.cancel()
    run.cancel()
    invocations = [*(call._invocation for call in calls), *run._invocations]
    until(lambda: all(each.settled and each.slot is None for each in invocations), 10)


def test_it_closes_where_no_thread_can_be_started_any_more(service, tmp_path, monkeypatch):
    said = []
    other = Service(Settings(backend="process", data_dir=str(tmp_path), prewarm=0), said.append)
    invocations = [sleep._invocation(other, (60,), {}) for _ in range(4)]
    other.dispatcher.submit(invocations)
    until(lambda: len(list(other.dispatcher.fleet.slots())) >= 2)

    def refuse(thread):
        raise RuntimeError("can't create new thread at interpreter shutdown")  # as Python 3.12 does

    monkeypatch.setattr(threading.Thread, "start", refuse)
    other.close()
    assert all(isinstance(each.error, CancelledError) for each in invocations)
    assert not [text for text in said if "removed" in text]
