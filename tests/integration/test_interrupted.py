"""Ctrl-C while a call is being sent: wherever it strikes, the function can be called again."""

from __future__ import annotations

import sys

import pytest

from nbfaas import remote
from nbfaas.model.invocation import InvocationState

pytestmark = [
    pytest.mark.usefixtures("service"),
    pytest.mark.parametrize("service", ["process"], indirect=True),
]

STRIDE = 3  # every third bytecode: an interrupt costs a sandbox, which takes a moment to start


class Interrupt:
    """Raises ``KeyboardInterrupt`` in the dispatcher's code, at the bytecode with a number."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __enter__(self) -> None:
        sys._getframe().f_trace_opcodes = True  # Python 3.12 wants to know before it is asked
        sys.settrace(self._enter)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _enter(self, frame, event, arg):
        if "/nbfaas/dispatch/" not in frame.f_code.co_filename:
            return None
        frame.f_trace = self._step  # for Python 3.13, before the next
        frame.f_trace_opcodes = True
        return self._step

    def _step(self, frame, event, arg):
        if event == "opcode":
            self.left -= 1
            if self.left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self._step


@pytest.mark.parametrize("start", ["remote", "spawn"])
def test_a_call_that_is_interrupted_anywhere_leaves_its_function_callable(service, start):
    @remote(max_containers=1)
    def echo(value):
        return value

    at = 1
    while True:
        assert echo.spawn(at).result(timeout=20) == at
        interrupt = Interrupt(at)
        try:
            with interrupt:
                getattr(echo, start)(at)
        except KeyboardInterrupt:
            at += STRIDE
        else:
            break
    assert at > 100
    assert echo.spawn(at).result(timeout=20) == at
    (lane,) = [x for x in service.dispatcher.fleet.lanes.values() if x.function.name == "echo"]
    assert lane.waiting == 0


def test_the_cancellation_of_what_was_never_submitted_does_not_disturb_the_queue(service):
    @remote(max_containers=1)
    def echo(value):
        return value

    assert echo.remote(1) == 1
    invocation = echo._invocation(service, (2,), {})
    service.dispatcher.cancel([invocation])
    assert echo.remote(3) == 3
    assert invocation.state is InvocationState.CANCELLED
    assert service.dispatcher.fleet.lanes[invocation.function.digest].waiting == 0
