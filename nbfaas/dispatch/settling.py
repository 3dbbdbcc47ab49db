"""Settling: what an attempt's end means for its invocation, and telling whoever waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeGuard

from nbfaas.agent import wire
from nbfaas.agent.buffers import copies, views
from nbfaas.agent.wire import Codec, Frame, Kind, Part
from nbfaas.dispatch.awaiting import none_left
from nbfaas.dispatch.hints import add_hints
from nbfaas.dispatch.invocation import Invocation
from nbfaas.dispatch.slot import Slot
from nbfaas.errors import CancelledError, FunctionTimeout
from nbfaas.model.invocation import CANCELLED, SUCCEEDED, AttemptStats, InvocationState
from nbfaas.model.records import AttemptFinished, InvocationFinished, LogWritten, Subscriber
from nbfaas.packager.trust import load_result

if TYPE_CHECKING:
    from nbfaas.settings import Settings

# Unpickling more than this, and copying more than that, would hold up the loop; a thread does it.
_LOAD_IN_LOOP = 256 * 1024
_COPY_IN_LOOP = 1024 * 1024
# The agent bounds output itself; this bounds what an agent that does not can make the host keep.
_LOG_SLACK = 64 * 1024
_LOG_TAIL = 64 * 1024  # bytes of log that go into the journal
_NO_STATS = wire.STATS.pack(0, 0, 0, 0, 0)

Retry = Callable[[Invocation, BaseException], bool]


class Settling:
    """Used from the loop's thread only. ``retry`` says whether there will be another attempt,
    ``isolated`` whether sandboxes are kept from this machine's files and network."""

    def __init__(
        self, settings: Settings, publish: Subscriber, retry: Retry, isolated: bool
    ) -> None:
        self._settings = settings
        self._isolated = isolated
        self._publish = publish
        self._retry = retry
        self._loop = asyncio.get_running_loop()
        self._loading: set[asyncio.Task[None]] = set()

    def stats(
        self, slot: Slot, invocation: Invocation, frame: Frame | None, took: float, now: float
    ) -> AttemptStats:
        """The figures of an attempt that ended ``now``, by the loop's clock; those from the sandbox
        are zero without a frame."""
        packed = _NO_STATS if frame is None else frame.control
        _, wall_ns, user_us, system_us, peak = wire.STATS.unpack_from(packed)
        # A sandbox may claim anything; it can't have run for longer than it was waited for.
        wall = wall_ns / 1e9
        if wall > took or frame is None:
            wall = took
        queued = now - took - invocation.ready_at
        return AttemptStats(
            attempt=invocation.attempts_made,
            state=SUCCEEDED,
            sandbox=slot.sandbox.id,
            started_at=time.time() - took,
            queued=queued if queued > 0.0 else 0.0,
            wall=wall,
            user=user_us / 1e6,
            system=system_us / 1e6,
            overhead=took - wall,
            peak_memory=peak,
            cold_start=slot.cold and slot.answered_count <= 1,
        )

    def logged(self, invocation: Invocation, stream: int, data: bytes) -> None:
        limit = (self._settings.log_limit + _LOG_SLACK) * max(1, invocation.attempts_made)
        data = data[: max(0, limit - invocation.log_size)]
        kept = data and invocation.add_log(stream, data, limit)
        if kept and invocation.function.recorded:
            self._publish(
                LogWritten(time.time(), invocation.id, invocation.attempts_made, stream, data)
            )

    def result(self, invocation: Invocation, parts: Sequence[Part], stats: AttemptStats) -> None:
        """The function returned; the invocation succeeds if its value can be unpickled here."""
        invocation.slot = None
        invocation.result_parts = parts
        if invocation.raw:
            self._succeed(invocation, None, stats)
            return
        pickled = wire.total(parts[:1])
        if pickled > _LOAD_IN_LOOP or (len(parts) > 1 and wire.total(parts) > _COPY_IN_LOOP):
            task = self._loop.create_task(self._load_in_thread(invocation, parts, stats))
            self._loading.add(task)
            task.add_done_callback(self._loading.discard)
            return
        try:
            value = self._load(invocation, parts)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the invocation's outcome
            self.attempt_failed(invocation, error, stats, None)
        else:
            self._succeed(invocation, value, stats)

    def _load(self, invocation: Invocation, parts: Sequence[Part]) -> object:
        function = invocation.function
        given = parts if _is_bytes(parts) else [*views(parts[:1]), *copies(parts[1:])]
        return load_result(given, function=function.name, trust=function.options.trust)

    async def _load_in_thread(
        self, invocation: Invocation, parts: Sequence[Part], stats: AttemptStats
    ) -> None:
        try:
            value = await asyncio.to_thread(self._load, invocation, parts)
        except Exception as error:  # noqa: BLE001 - as above
            if not invocation.settled:
                self.attempt_failed(invocation, error, stats, None)
        else:
            if not invocation.settled:  # it may have been cancelled meanwhile
                self._succeed(invocation, value, stats)

    def _succeed(self, invocation: Invocation, value: object, stats: AttemptStats) -> None:
        invocation.value = value
        invocation.attempts = (*invocation.attempts, stats)
        self._settle(invocation, SUCCEEDED, stats)

    def attempt_failed(
        self,
        invocation: Invocation,
        error: BaseException,
        stats: AttemptStats,
        failure: dict[str, object] | None,
    ) -> None:
        """An attempt ended badly: another one follows, or the invocation has failed."""
        state = _state_of(error)
        # The traceback of unpickling on the host would only distract from the remote one.
        error = error.with_traceback(None)
        add_hints(error, invocation.function, invocation.parts, self._isolated)
        failed = AttemptStats(
            stats.attempt, state, stats.sandbox, stats.started_at, stats.queued, stats.wall,
            stats.user, stats.system, stats.overhead, stats.peak_memory, stats.cold_start,
            describe(error),
        )  # fmt: skip
        invocation.attempts = (*invocation.attempts, failed)
        if invocation.function.recorded:
            self._publish(AttemptFinished(time.time(), invocation.id, failed))
        if not self._retry(invocation, error):
            invocation.error = error
            invocation.failure = failure
            self._settle(invocation, state)

    def fail(
        self,
        invocation: Invocation,
        error: BaseException,
        failure: dict[str, object] | None = None,
    ) -> None:
        """The invocation can't run at all."""
        invocation.result_parts = None
        invocation.error = error
        invocation.failure = failure
        self._settle(invocation, _state_of(error))

    def cancel(self, invocation: Invocation) -> None:
        name = invocation.function.name
        invocation.error = CancelledError(f"the call {invocation.id} of {name!r} was cancelled")
        self._settle(invocation, CANCELLED)

    def _settle(
        self, invocation: Invocation, state: InvocationState, stats: AttemptStats | None = None
    ) -> None:
        """Tell the end, and that of the attempt with ``stats`` if it has not been told yet."""
        invocation.state = state
        if state is not CANCELLED:
            invocation.slot = None
        parts = invocation.result_parts
        if not invocation.raw:
            invocation.result_parts = None
        # Who waits is told first: a thread takes some time to wake up.
        listener, invocation.listener = invocation.listener, None
        if listener is not None:
            listener(invocation)
        if not invocation.function.recorded:
            return
        now = time.time()
        if stats is not None:
            self._publish(AttemptFinished(now, invocation.id, stats))
        result, size = None, None
        if state is SUCCEEDED and parts is not None:
            size = wire.total(parts)
            if size <= self._settings.journal_result_limit:
                result = _one_blob(parts)
        self._publish(
            InvocationFinished(
                now,
                invocation.id,
                state,
                invocation.attempts_made,
                None if invocation.error is None else describe(invocation.error),
                result,
                invocation.failure,
                invocation.log_bytes()[-_LOG_TAIL:] if invocation.log else b"",
                size,
            )
        )

    async def close(self) -> None:
        await none_left(self._loading)


def _is_bytes(parts: Sequence[Part]) -> TypeGuard[Sequence[bytes]]:
    """As most results are: a pickle alone, received with others."""
    return len(parts) == 1 and type(parts[0]) is bytes


def _one_blob(parts: Sequence[Part]) -> bytes:
    """A result as bytes: the pickle alone, or a RESULT frame if it has buffers too. (They can be
    told apart by the first byte.)"""
    if _is_bytes(parts):
        return parts[0]
    frame = wire.encode(Kind.RESULT, 0, Codec.PICKLE, b"", views(parts))
    return b"".join(chunk for chunk in frame if not isinstance(chunk, wire.Passing))


def describe(error: BaseException) -> str:
    """``ValueError: bad value``, one line, bounded."""
    name = getattr(error, "type_name", None) or type(error).__name__
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a class of the user's
        text = ""
    text = text.strip().partition("\n")[0][:500]
    if text.startswith(f"{name}: "):
        return text
    return f"{name}: {text}" if text else str(name)


def _state_of(error: BaseException) -> InvocationState:
    if isinstance(error, FunctionTimeout):
        return InvocationState.TIMED_OUT
    return InvocationState.FAILED
