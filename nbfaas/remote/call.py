"""``FunctionCall``: one invocation, as the user holds it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import time
import weakref
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from nbfaas.dispatch.invocation import Invocation
from nbfaas.errors import CancelledError, NotDone, ResultUnreadable
from nbfaas.model.invocation import AttemptStats, InvocationState
from nbfaas.remote.cell_value import result_of
from nbfaas.remote.details import Details, details
from nbfaas.service import get_service

if TYPE_CHECKING:
    from nbfaas.service import Place

R = TypeVar("R")

_cancelling = threading.Lock()
# Calls that somebody still holds, so that ``from_id`` gives back the same one.
_calls: weakref.WeakValueDictionary[str, FunctionCall[Any]] = weakref.WeakValueDictionary()
# Invocations that ``f.remote(…)`` waits for, which nobody holds a call of.
waited_for: dict[str, Invocation] = {}


class FunctionCall(concurrent.futures.Future[R], Generic[R]):
    """A ``concurrent.futures.Future`` for one invocation; it can also be awaited.

    ``result(timeout)`` returns the value, or raises what the function raised; ``cancel()`` takes it
    out of the queue, or kills the sandbox it runs in.
    """

    def __init__(self, invocation: Invocation, service: Place) -> None:
        super().__init__()
        self._invocation = invocation
        self._service = service
        self._notified = False  # of its cancellation
        _calls[invocation.id] = self
        if not invocation.settled:
            self._listen(invocation)
        if invocation.settled:  # perhaps just now, before the loop could see the listener
            self._settle(invocation)

    def _listen(self, invocation: Invocation) -> None:
        invocation.listener = self._settle

    @classmethod
    def from_id(cls, invocation_id: str) -> FunctionCall[Any]:
        """The call with this id: of this session, or, from the journal, of an earlier one.

        Raises ``UnknownInvocation``.
        """
        call = _calls.get(invocation_id)
        if call is not None:
            return call
        invocation = waited_for.get(invocation_id)
        if invocation is not None:
            from nbfaas.remote.map_run import SharedCall

            return SharedCall(invocation, get_service())
        from nbfaas.remote.recall import recall

        return recall(invocation_id, get_service())

    # -- what is known of it

    @property
    def id(self) -> str:
        return self._invocation.id

    @property
    def function(self) -> str:
        """The name of the function."""
        return self._invocation.function.name

    @property
    def status(self) -> InvocationState:
        if self.cancelled():
            return InvocationState.CANCELLED
        return self._invocation.state

    @property
    def attempts(self) -> list[AttemptStats]:
        """The figures of each attempt that has ended."""
        return list(self._invocation.attempts)

    @property
    def stats(self) -> AttemptStats | None:
        """The figures of the last attempt; None while none has ended."""
        attempts = self._invocation.attempts
        return attempts[-1] if attempts else None

    @property
    def logs(self) -> str:
        """What it has written so far, stdout and stderr in the order they came."""
        return self._invocation.log_bytes().decode("utf-8", "replace")

    def details(self, *, given: str | None = None) -> Details:
        """It in full, with its input and result as short texts. ``given``: the input's, if it is
        known already."""
        return details(self._invocation, given=given)

    def __repr__(self) -> str:
        kind = "CellCall" if self._invocation.function.is_cell else "FunctionCall"
        text = f"<{kind} {self.id} {self.function} {self.status}"
        stats = self.stats
        if stats is not None:
            from nbfaas.agent.units import format_seconds

            text += f" in {format_seconds(stats.wall)}"
            if stats.attempt > 1:
                text += f", attempt {stats.attempt}"
        elif not self.done():
            text += f" for {time.time() - self._invocation.queued_at:.1f} s"
        if self.done() and not self.cancelled() and (error := super().exception()) is not None:
            text += f", {type(error).__name__}"
        return text + ">"

    # -- Future

    def result(self, timeout: float | None = None) -> R:
        """The value, waited for. Raises what the function raised, ``CancelledError``, or, if that
        takes longer than ``timeout`` seconds, ``NotDone``: the call goes on."""
        with self._explained(timeout):
            return super().result()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What it ended with, waited for as ``result`` does; None if it succeeded."""
        with self._explained(timeout):
            return super().exception()

    @contextlib.contextmanager
    def _explained(self, timeout: float | None) -> Iterator[None]:
        if not self.done():
            self._service.check_may_wait(self.id)
        if timeout is not None and not concurrent.futures.wait([self], timeout).done:
            raise NotDone(self.id, self.function, self.status, timeout)
        try:
            yield
        except CancelledError as error:
            if not self.cancelled() or error.args:
                raise
            raise CancelledError(f"the call {self.id} of {self.function!r} was cancelled") from None

    def running(self) -> bool:
        return not self.done() and self._invocation.state is InvocationState.RUNNING

    def cancel(self) -> bool:
        """Cancel it, also while it runs: its sandbox is killed. False if it has ended otherwise."""
        if not self._become_cancelled():
            return False
        self._service.dispatcher.cancel([self._invocation])
        return True

    def _become_cancelled(self) -> bool:
        if not super().cancel():
            return False
        # The caller and the loop may both cancel, in any order; the second must not notify.
        with _cancelling:
            first, self._notified = not self._notified, True
        if first:
            # Wakes ``as_completed`` and ``wait``, which look for this state.
            self.set_running_or_notify_cancel()
        return True

    def __await__(self) -> Generator[Any, None, R]:
        return asyncio.wrap_future(self).__await__()

    def rerun(self) -> FunctionCall[R]:
        """Run the same version of the function on the same arguments again; a new call."""
        return submit(repeat(self._invocation, self._service), self._service)

    def _settle(self, invocation: Invocation) -> None:
        try:
            if invocation.state is InvocationState.CANCELLED:
                self._become_cancelled()
            elif invocation.error is not None:
                self.set_exception(invocation.error)
            else:
                self._set_value(invocation)
        except concurrent.futures.InvalidStateError:
            pass  # it was cancelled while its result was on the way

    def _set_value(self, invocation: Invocation) -> None:
        try:
            value = result_of(invocation)
        except ResultUnreadable as error:  # a cell's sandbox may say anything
            self.set_exception(error)
        else:
            self.set_result(value)


def submit(invocation: Invocation, service: Place) -> FunctionCall[Any]:
    """Hand an invocation to the dispatcher, as a call."""
    call: FunctionCall[Any] = FunctionCall(invocation, service)
    dispatcher = service.dispatcher
    try:
        dispatcher.submit([invocation])
    except KeyboardInterrupt:
        dispatcher.cancel([invocation])  # nobody will ever hold the call
        raise
    return call


def repeat(invocation: Invocation, service: Place) -> Invocation:
    """A new invocation of the same function version with the same arguments.

    Raises ``NotRepeatable`` for one from the journal, which keeps no arguments.
    """
    if not invocation.parts:
        from nbfaas.errors import NotRepeatable

        raise NotRepeatable(invocation.id, invocation.function.name)
    return Invocation(
        service.new_id(), invocation.function, invocation.parts, queued_at=time.time()
    )
