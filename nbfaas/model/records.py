"""Records: internal facts in the past tense. The dispatcher publishes them; the journal, metrics
and widgets subscribe. Records flow one way; nobody answers one. (They are never called events: an
event is a CloudEvent that a user's trigger waits for.)

Times are seconds since the epoch. (msgspec structs: several records are made for every invocation,
and a frozen dataclass takes ten times as long to make.)
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

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


Record = (
    InvocationQueued
    | AttemptStarted
    | AttemptFinished
    | LogWritten
    | InvocationFinished
    | SandboxChanged
)
Subscriber = Callable[[Record], None]
