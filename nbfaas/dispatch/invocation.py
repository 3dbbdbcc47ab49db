"""A live invocation: what the dispatcher and the caller's future share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nbfaas.agent.wire import PICKLE, Codec, Part
from nbfaas.model.function import NO_RETRIES, FunctionVersion, Retries
from nbfaas.model.invocation import QUEUED, AttemptStats, InvocationState

if TYPE_CHECKING:
    from nbfaas.dispatch.slot import Slot


class Invocation:
    """One request to run a function.

    Written by the loop's thread only; other threads read ``state``, and, once ``listener`` has been
    called, everything else. (Slots and no dataclass: there may be a hundred thousand of them.)
    """

    __slots__ = (
        "announced",
        "attempts",
        "attempts_made",
        "chunksize",
        "error",
        "event",
        "failure",
        "function",
        "given_back",
        "id",
        "index",
        "listener",
        "log",
        "log_listener",
        "log_size",
        "parts",
        "queued_at",
        "raw",
        "ready_at",
        "result_parts",
        "run_id",
        "slot",
        "state",
        "value",
    )

    def __init__(
        self,
        invocation_id: str,
        function: FunctionVersion,
        parts: Sequence[Part],
        *,
        queued_at: float,
        run_id: str | None = None,
        index: int | None = None,
        chunksize: int | None = None,
        event: dict[str, object] | None = None,
    ) -> None:
        self.id = invocation_id
        self.function = function
        self.parts = parts  # the pickled (args, kwargs), or the event's JSON; kept for retries
        self.event = event  # what goes into the control of an event's invocation; None: a call
        self.run_id = run_id
        self.index = index
        self.chunksize = chunksize  # how many a sandbox may hold; None: as look-ahead decides
        self.state: InvocationState = QUEUED
        self.announced = False  # whether the records of its way in have been published
        self.queued_at = queued_at  # seconds since the epoch
        self.ready_at = 0.0  # the loop's clock: since when it could run
        self.attempts_made = 0
        self.given_back = 0  # how often its sandbox was lost before it was started
        self.attempts: tuple[AttemptStats, ...] = ()
        self.slot: Slot | None = None
        self.value: Any = None
        self.error: BaseException | None = None
        self.raw = False  # whether it is settled with ``result_parts``, which nobody here opens
        self.result_parts: Sequence[Part] | None = None
        self.failure: dict[str, object] | None = None
        self.log: list[tuple[int, bytes]] | None = None
        self.log_size = 0
        self.listener: Callable[[Invocation], None] | None = None
        self.log_listener: Callable[[Invocation, int, bytes], None] | None = None

    def __repr__(self) -> str:
        tries = f" attempt {self.attempts_made}" if self.attempts_made > 1 else ""
        error = f" {type(self.error).__name__}" if self.error is not None else ""
        return f"<Invocation {self.id} {self.function.name} {self.state}{tries}{error}>"

    @property
    def codec(self) -> Codec:
        """Of ``parts``."""
        return PICKLE if self.event is None else Codec.JSON

    @property
    def retries(self) -> Retries:
        """An event is never tried again behind the back of who delivers it: each attempt has to be
        written down before it begins."""
        return self.function.options.retries if self.event is None else NO_RETRIES

    @property
    def settled(self) -> bool:
        return self.state.is_final

    def add_log(self, stream: int, data: bytes, limit: int) -> bool:
        """Keep a chunk of output; False if there is no more room (as the agent should know)."""
        if self.log_size >= limit:
            return False
        if self.log is None:
            self.log = []
        self.log.append((stream, data))
        self.log_size += len(data)
        if self.log_listener is not None:
            self.log_listener(self, stream, data)
        return True

    def log_bytes(self) -> bytes:
        return b"".join(data for _, data in self.log or ())


def event_invocation(
    invocation_id: str,
    function: FunctionVersion,
    body: bytes,
    *,
    attempt: int,
    trigger: str,
    queued_at: float,
    traceparent: str | None = None,
    deadline: float | None = None,
) -> Invocation:
    """One attempt to deliver an event, whose JSON is ``body``, to ``function``.

    ``attempt`` is the delivery's, from 1. ``traceparent``: if it is another than the one that
    ``nbfaas.agent.traceparent`` makes of the event. ``deadline``, seconds since the epoch: when
    whoever waits for the answer goes away; the function is told, but only its ``timeout`` ends it.
    """
    event: dict[str, object] = {"attempt": attempt, "trigger": trigger}
    if traceparent is not None:
        event["traceparent"] = traceparent
    if deadline is not None:
        event["deadline"] = deadline
    return Invocation(invocation_id, function, (body,), queued_at=queued_at, event=event)


def let_go(invocations: list[Invocation]) -> list[Invocation]:
    """Return those that are not settled. The others keep their slot alive no longer, and so its
    buffers: users may hold cancelled calls for long."""
    for invocation in invocations:
        if invocation.settled:
            invocation.slot = None
    return [invocation for invocation in invocations if not invocation.settled]
