"""Records: internal facts in the past tense. The dispatcher publishes them; the journal, metrics and
widgets subscribe. Records flow one way; nobody answers one. (They are never called events: an event
is a CloudEvent that a user's trigger waits for.)

Times are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nbfaas.model.invocation import AttemptStats, InvocationState, SandboxState


@dataclass(frozen=True, slots=True)
class InvocationQueued:
    at: float
    invocation_id: str
    function: str
    version: str
    run_id: str | None = None  # the map this is an item of
    index: int | None = None  # its place in that map


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    at: float
    invocation_id: str
    attempt: int
    sandbox: str
    cold_start: bool


@dataclass(frozen=True, slots=True)
class AttemptFinished:
    at: float
    invocation_id: str
    stats: AttemptStats


@dataclass(frozen=True, slots=True)
class LogWritten:
    at: float
    invocation_id: str
    attempt: int
    stream: int  # 1 stdout, 2 stderr
    data: bytes


@dataclass(frozen=True, slots=True)
class InvocationFinished:
    """``result`` is the pickled value (kept only up to the journal's limit), ``failure`` the
    exception as data (see ``nbfaas.agent.failure``), ``log`` the end of what was written."""

    at: float
    invocation_id: str
    state: InvocationState
    attempts: int
    error: str | None
    result: bytes | None
    failure: dict[str, object] | None
    log: bytes


@dataclass(frozen=True, slots=True)
class SandboxChanged:
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
