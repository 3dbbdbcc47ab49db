"""What a function is told of its invocation."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time

import pytest

from nbfaas.agent.context import Context
from nbfaas.agent.event import Event
from nbfaas.agent.traceparent import traceparent_of

LOAD = {"function": "score", "version": "abc123", "memory": 256 << 20}
INVOKE = {"id": "i-1", "attempt": 3, "timeout": 20.0, "cold_start": True, "trigger": "orders"}
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_context_tells_of_its_invocation():
    context = Context(LOAD, INVOKE, Event("t", extensions={"traceparent": TRACE}))
    assert (context.function_name, context.function_version) == ("score", "abc123")
    assert (context.invocation_id, context.attempt, context.trigger) == ("i-1", 3, "orders")
    assert context.cold_start
    assert context.traceparent == TRACE
    assert context.memory_limit == 256 << 20
    assert 19 < context.remaining_time() <= 20
    assert context.deadline == pytest.approx(time.time() + 20, abs=1)
    assert repr(context) == "<Context score@abc123 invocation i-1 attempt 3 by 'orders'>"


def test_a_plain_call_has_no_trigger_and_no_trace():
    context = Context(LOAD, {})
    assert (context.trigger, context.traceparent, context.attempt) == (None, None, 1)
    assert context.deadline is context.remaining_time() is None


def test_the_earlier_of_timeout_and_deadline_counts():
    soon = time.time() + 5
    assert Context(LOAD, {**INVOKE, "deadline": soon}).deadline == soon
    assert Context(LOAD, {**INVOKE, "deadline": soon + 60}).deadline < soon + 30
    assert Context(LOAD, {"deadline": soon}).deadline == soon
    assert Context(LOAD, {"deadline": time.time() - 1}).remaining_time() == 0


def test_the_names_of_aws_lambda_are_answered_to():
    context = Context(LOAD, INVOKE)
    assert context.aws_request_id == "i-1"
    assert 19_000 < context.get_remaining_time_in_millis() <= 20_000
    assert isinstance(context.get_remaining_time_in_millis(), int)
    assert Context(LOAD, {}).get_remaining_time_in_millis() > 10**9
    assert context.memory_limit_in_mb == 256
    assert context.invoked_function_arn == "nbfaas:function:score:abc123"
    assert context.log_group_name == "nbfaas/score"
    assert context.log_stream_name == "abc123/i-1"
    assert context.client_context is context.identity is None


def test_a_context_can_t_be_pickled_and_says_why():
    with pytest.raises(TypeError, match="stays in its sandbox"):
        pickle.dumps(Context(LOAD, INVOKE))


def test_events_without_a_trace_get_one_that_stays_the_same():
    event = Event("t", id="1", source="s")
    made = traceparent_of(event)
    assert made == traceparent_of(Event.from_json(event.to_json()))
    assert made != traceparent_of(event.replace(id="2"))
    assert traceparent_of(event.replace(extensions={"traceparent": made})) == made
    assert Context(LOAD, {}, event).traceparent == made
    assert Context(LOAD, {"traceparent": TRACE}, event).traceparent == TRACE


@pytest.mark.parametrize(
    "given", ["", "nonsense", TRACE.upper(), TRACE.replace("00-", "ff-", 1), 7]
)
def test_what_is_no_trace_is_replaced(given):
    event = Event("t", id="1", extensions={"traceparent": given})
    assert traceparent_of(event) == traceparent_of(Event("t", id="1"))


def lines(code: str) -> list[str]:
    """What is written to stderr: logging is the process' own, so each test has a new one."""
    prelude = (
        "import logging\nfrom nbfaas.agent.context import Context\n"
        "make = lambda: Context({'function': 'score'}, {})\ncontext = make()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", prelude + code], capture_output=True, text=True, check=True
    )
    return done.stderr.splitlines()


def test_the_logger_works_without_being_configured():
    code = (
        "context.logger.info('half %d %%', 50)\nmake().logger.warning('again')\n"
        "context.logger.debug('not shown')\n"
        "try: 1 / 0\nexcept ZeroDivisionError: context.logger.exception('broken')"
    )
    said = lines(code)
    assert said[:3] == ["INFO score: half 50 %", "WARNING score: again", "ERROR score: broken"]
    assert said[-1] == "ZeroDivisionError: division by zero"


def test_the_logger_follows_what_the_function_has_configured():
    assert lines("logging.basicConfig(format='%(message)s!')\ncontext.logger.info('x')") == ["x!"]
    assert lines("context.logger.info('a')\nlogging.basicConfig()\ncontext.logger.info('b')") == [
        "INFO score: a",
        "INFO:score:b",
    ]
    assert lines("context.logger.setLevel('DEBUG')\nmake().logger.debug('x')") == ["DEBUG score: x"]
    assert lines("context.logger.propagate = False\ncontext.logger.info('x')") == ["INFO score: x"]
    own = "context.logger.addHandler(logging.StreamHandler())\ncontext.logger.info('x')"
    assert lines(own) == ["x"]
