"""``MapRun``: one function over many inputs, as the user holds it."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from nbfaas.dispatch.invocation import Invocation
from nbfaas.model.invocation import CANCELLED, RUNNING, SUCCEEDED, AttemptStats, InvocationState
from nbfaas.remote.call import FunctionCall, repeat
from nbfaas.remote.details import Details, details
from nbfaas.remote.echo import LineEcho
from nbfaas.remote.map_await import gather, stream

if TYPE_CHECKING:
    from nbfaas.service import Place

R = TypeVar("R")

# A missed wake-up (two threads iterate one run) costs at most this.
_RECHECK = 0.25


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items are in which state; the seconds since the start, to the end where it ended."""

    total: int
    done: int
    failed: int
    cancelled: int
    running: int
    elapsed: float

    @property
    def queued(self) -> int:
        return self.total - self.done - self.failed - self.cancelled - self.running

    @property
    def settled(self) -> int:
        return self.done + self.failed + self.cancelled


class MapRun(Generic[R]):
    """Results stream: ``for y in run`` yields them in input order as they come, or in the order of
    completion with ``order_outputs=False``. Can be iterated again; results are kept.

    An item that failed raises its error when its turn comes (the others go on), or, with
    ``return_exceptions=True``, yields it. ``async for y in run`` does the same without blocking an
    event loop; ``await run`` is the list of all results.
    """

    def __init__(
        self,
        run_id: str,
        function: str,
        invocations: list[Invocation],
        service: Place,
        *,
        order_outputs: bool,
        return_exceptions: bool,
    ) -> None:
        self.id = run_id
        self.function = function
        self.order_outputs = order_outputs
        self.return_exceptions = return_exceptions
        self._service = service
        self._invocations = invocations
        self._completed: list[Invocation] = []
        self._tally = [0] * len(InvocationState)  # by the states' codes: an enum is slow to hash
        self._output: deque[tuple[int, int, bytes]] = deque()
        self._changed = threading.Event()
        self._wakers: set[Callable[[], None]] = set()  # of those who wait on loops of their own
        self._telling = False
        self._lock = threading.Lock()  # for what the loop's thread and ``retry_failed`` both change
        self.begun = 1  # how often: ``retry_failed`` begins it again
        self._started = time.monotonic()
        self._ended: float | None = None if invocations else self._started
        self._submit(invocations)

    def _submit(self, invocations: list[Invocation]) -> None:
        settle, listen = self._settle, self._hear  # one object for all, not one for each
        echo = self._service.settings.echo
        for invocation in invocations:
            invocation.listener = settle
            if echo:
                invocation.log_listener = listen
        self._service.dispatcher.submit(invocations)

    def _hear(self, invocation: Invocation, stream: int, data: bytes) -> None:
        self._output.append((invocation.index or 0, stream, data))
        self._wake()

    def _settle(self, invocation: Invocation) -> None:
        # On the loop's thread.
        with self._lock:
            self._completed.append(invocation)
            self._tally[invocation.state.code] += 1
            if len(self._completed) == len(self._invocations):
                self._ended = time.monotonic()
        if not self._telling:
            # Results come in bursts, and waking a thread costs more than handling one.
            self._telling = True
            self._service.call_soon(self._tell)

    def _tell(self) -> None:
        self._telling = False
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        for wake in tuple(self._wakers):
            wake()

    # -- looking at it

    def __len__(self) -> int:
        return len(self._invocations)

    def __getitem__(self, index: int) -> FunctionCall[R]:
        """The call of one item."""
        invocation = self._invocations[index]
        from nbfaas.remote.call import _calls

        call = _calls.get(invocation.id)
        if call is None:
            call = SharedCall(invocation, self._service)
        return call

    @property
    def calls(self) -> list[FunctionCall[R]]:
        return [self[index] for index in range(len(self))]

    @property
    def failed(self) -> list[FunctionCall[R]]:
        """The calls that ended without a result, cancelled ones not included."""
        ends = (InvocationState.FAILED, InvocationState.TIMED_OUT)
        return [self[i] for i, item in enumerate(self._invocations) if item.state in ends]

    @property
    def done(self) -> bool:
        """Whether every item has ended, one way or another."""
        return self._ended is not None

    @property
    def counts(self) -> Counts:
        running = 0
        if self._ended is None:
            running = sum(1 for item in self._invocations if item.state is RUNNING)
        tally = self._tally
        return Counts(
            total=len(self._invocations),
            done=tally[SUCCEEDED.code],
            failed=tally[InvocationState.FAILED.code] + tally[InvocationState.TIMED_OUT.code],
            cancelled=tally[CANCELLED.code],
            running=running,
            elapsed=(self._ended or time.monotonic()) - self._started,
        )

    @property
    def states(self) -> bytes:
        """The state of each item, as ``InvocationState.code``: some 50 ns for each."""
        return bytes([item.state.code for item in self._invocations])

    def details(self, index: int) -> Details:
        """One item in full, with its input and result as short texts."""
        return details(self._invocations[index])

    def error_of(self, index: int) -> BaseException | None:
        """What an item that has ended without a result ended with."""
        return self._invocations[index].error

    def attempts_of(self, index: int) -> list[AttemptStats]:
        """The figures of each attempt of one item that has ended."""
        return list(self._invocations[index].attempts)

    def report(self, path: str | os.PathLike[str], items: int = 1000) -> Path:
        """Write how it went to a page that stands alone: counts, timings, logs of failures, and a
        table of ``items`` items, those that failed first. Returns the path. Raises
        ``ReportNotWritten``."""
        from nbfaas.remote.run_report import write_report

        return write_report(self, path, items)

    def __repr__(self) -> str:
        from nbfaas.remote.progress import progress_line

        return f"<MapRun {self.id} {progress_line(self.function, self.counts)}>"

    # -- results

    def __iter__(self) -> Iterator[R]:
        return self._stream(self.order_outputs)

    def __aiter__(self) -> AsyncIterator[R]:
        return stream(self, self.order_outputs)

    def __await__(self) -> Generator[Any, None, list[R]]:
        """All results, in input order; cancelling who waits cancels the run."""
        return gather(self).__await__()

    def results(self) -> list[R]:
        """All results, in input order. Waits for all; raises as iterating does."""
        return list(self._stream(ordered=True))

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until every item has ended; False if that took longer than ``timeout`` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._watched() as show:
            return self._wait_until(lambda: self._ended is not None, show, deadline)

    def _stream(self, ordered: bool) -> Iterator[R]:
        with self._watched() as show:
            for position in range(len(self._invocations)):
                if ordered:
                    item = self._invocations[position]
                    if not item.settled:
                        # (The item may be replaced meanwhile, by ``retry_failed``.)
                        self._wait_until(functools.partial(self._is_settled, position), show)
                        item = self._invocations[position]
                else:
                    if position >= len(self._completed):
                        self._wait_until(functools.partial(self._has_completed, position), show)
                    item = self._completed[position]
                yield self._value(item)

    def _is_settled(self, position: int) -> bool:
        return self._invocations[position].settled

    def _has_completed(self, position: int) -> bool:
        return len(self._completed) > position

    def _value(self, item: Invocation) -> R:
        if item.error is None:
            return item.value  # type: ignore[no-any-return]
        if self.return_exceptions:
            return item.error  # type: ignore[return-value]
        note = f"(item {item.index} of the map {self.id} of {self.function!r})"
        if note not in getattr(item.error, "__notes__", ()):
            item.error.add_note(note)
        raise item.error

    def _wait_until(
        self, ready: Callable[[], bool], show: Callable[[], None], deadline: float | None = None
    ) -> bool:
        while True:
            self._changed.clear()
            show()
            if ready():
                return True
            pause = _RECHECK
            if deadline is not None:
                pause = min(pause, deadline - time.monotonic())
                if pause <= 0:
                    return False
            self._changed.wait(pause)

    @contextlib.contextmanager
    def _watched(self) -> Iterator[Callable[[], None]]:
        """While somebody waits in here, output and progress are shown, and Ctrl-C cancels."""
        from nbfaas.remote.progress import watch

        lines = LineEcho()
        with watch(self) as update:

            def show() -> None:
                while self._output:
                    index, stream, data = self._output.popleft()
                    lines(index, stream, data)
                update()

            try:
                yield show
                show()
            except KeyboardInterrupt:
                self.cancel()
                raise

    # -- acting on it

    def cancel(self) -> None:
        """Cancel every item that has not ended."""
        self._service.dispatcher.cancel(self._invocations)

    def retry_failed(self) -> MapRun[R]:
        """Run the items that failed again, in this run; iterate it again for all results."""
        ends = (InvocationState.FAILED, InvocationState.TIMED_OUT)
        fresh: list[Invocation] = []
        with self._lock:
            # Not all that have failed: of some that may not have been told yet.
            again = [item for item in self._completed if item.state in ends]
            again.sort(key=lambda item: item.index or 0)
            for item in again:
                invocation = repeat(item, self._service)
                invocation.run_id, invocation.index = self.id, item.index
                self._tally[item.state.code] -= 1
                self._invocations[item.index or 0] = invocation
                fresh.append(invocation)
            if fresh:
                failed = set(map(id, again))
                self._completed = [item for item in self._completed if id(item) not in failed]
                self._ended = None
                self._started = time.monotonic()
                self.begun += 1
        if fresh:
            self._submit(fresh)
        return self


class SharedCall(FunctionCall[R]):
    """A call of an invocation that somebody listens to already: a run, or ``f.remote(…)``."""

    def _listen(self, invocation: Invocation) -> None:
        earlier = invocation.listener

        def both(invocation: Invocation) -> None:
            if earlier is not None:
                earlier(invocation)
            self._settle(invocation)

        # In one step: the loop calls the one listener or the other, and the run is told once.
        invocation.listener = both
