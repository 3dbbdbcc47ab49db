"""Records: internal facts in the past tense. The dispatcher publishes them; the journal, metrics
and widgets subscribe. Records flow one way; nobody answers one. (They are never called events: an
event is a CloudEvent that a user's trigger waits for.)

Times are seconds since the epoch. (msgspec structs: several records are made for every invocation,
and a frozen dataclass takes ten times as long to make.)
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from nbfaas.model.delivery import DeliveryState
from nbfaas.model.invocation import AttemptStats, InvocationState, SandboxState


class InvocationQueued(msgspec.Struct, frozen=True, gc=False):
    at: float
    invocation_id: str
    function: str
    version: str
    run_id: str | None = None  # the map this is an item of
    index: int | None = None  # its place in that map


class AttemptStarted(msgspec.Struct, frozen=True, gc=False):
    at: float
    invocation_id: str
    attempt: int
    sandbox: str
    cold_start: bool


class AttemptFinished(msgspec.Struct, frozen=True, gc=False):
    at: float
    invocation_id: str
    stats: AttemptStats


class LogWritten(msgspec.Struct, frozen=True, gc=False):
    at: float
    invocation_id: str
    attempt: int
    stream: int  # 1 stdout, 2 stderr
    data: bytes


class InvocationFinished(msgspec.Struct, frozen=True, gc=False):
    """``result`` is the pickled value (kept only up to the journal's limit), ``failure`` the
    exception as data (see ``nbfaas.agent.failure``), ``log`` the end of what was written.
    ``result_size``, in bytes, is told where a result is left out for its size."""

    at: float
    invocation_id: str
    state: InvocationState
    attempts: int
    error: str | None
    result: bytes | None
    failure: dict[str, object] | None
    log: bytes
    result_size: int | None = None


class SandboxChanged(msgspec.Struct, frozen=True, gc=False):
    at: float
    sandbox: str
    state: SandboxState
    function: str | None  # None: prewarmed, not yet given to a function
    version: str | None
    image: str
    reason: str = ""


class EventAccepted(msgspec.Struct, frozen=True, gc=False):
    """An event is durable. ``matched``: the triggers that it is delivered for; none, and it was
    not kept for anybody. ``duplicate``: it had been accepted before, and nothing came of it."""

    at: float
    event_id: str
    source: str
    type: str
    matched: tuple[str, ...]
    duplicate: bool = False


class EventRefused(msgspec.Struct, frozen=True, gc=False):
    """``reason``: one word of few (full, unavailable, conflict, …), by which it is counted."""

    at: float
    reason: str


class DeliveryAttempted(msgspec.Struct, frozen=True, gc=False):
    """An attempt at a delivery has begun. ``invocation_id`` is None where the target is no
    function. ``kind``: the one of the trigger's source (schedule, file, http, queue, event)."""

    at: float
    number: int
    trigger: str
    attempt: int
    invocation_id: str | None
    event_id: str | None = None
    kind: str = ""


class DeliverySettled(msgspec.Struct, frozen=True, gc=False):
    """The attempt has ended, and this became of the delivery. ``state``: DONE, WAITING (to be tried
    again) or DEAD. ``age``: seconds since its event was accepted."""

    at: float
    number: int
    trigger: str
    state: DeliveryState
    attempt: int
    error: str | None
    age: float


Record = (
    InvocationQueued
    | AttemptStarted
    | AttemptFinished
    | LogWritten
    | InvocationFinished
    | SandboxChanged
    | EventAccepted
    | EventRefused
    | DeliveryAttempted
    | DeliverySettled
)
Subscriber = Callable[[Record], None]
