"""The life of an invocation, as data."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class InvocationState(StrEnum):
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    RETRYING = "RETRYING"  # an attempt failed; the next one is queued or waits for its delay
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"

    code: int  # its place among the states: what stands for it where many are told at once
    is_final: bool


# What each call needs: in Python 3.11 ``InvocationState.RUNNING`` takes ten times as long as this.
QUEUED, RUNNING = InvocationState.QUEUED, InvocationState.RUNNING
SUCCEEDED, CANCELLED = InvocationState.SUCCEEDED, InvocationState.CANCELLED

for _code, _state in enumerate(InvocationState):
    _state.code = _code
    _state.is_final = _state not in (QUEUED, RUNNING, InvocationState.RETRYING)


class SandboxState(StrEnum):
    STARTING = "STARTING"
    IDLE = "IDLE"
    BUSY = "BUSY"
    STOPPING = "STOPPING"
    DEAD = "DEAD"


IDLE, BUSY = SandboxState.IDLE, SandboxState.BUSY


class AttemptStats(msgspec.Struct, frozen=True, gc=False):
    """The figures of one attempt. Times in seconds, memory in bytes.

    ``queued`` is from the moment the attempt could have started to the moment it was sent to a
    sandbox; ``wall``, ``user`` and ``system`` are measured in the sandbox, around the function;
    ``overhead`` is what the way there and back took. ``peak_memory`` is the largest resident set
    of the process during the attempt, interpreter included.
    """

    attempt: int
    state: InvocationState
    sandbox: str | None
    started_at: float  # seconds since the epoch, the host's clock
    queued: float
    wall: float
    user: float
    system: float
    overhead: float
    peak_memory: int
    cold_start: bool
    error: str | None = None  # "ValueError: …" of a failed attempt

    def __str__(self) -> str:
        from nbfaas.agent.units import format_bytes, format_seconds

        text = (
            f"attempt {self.attempt} {self.state}: ran {format_seconds(self.wall)}, "
            f"cpu {format_seconds(self.user + self.system)}, "
            f"peak {format_bytes(self.peak_memory)}, queued {format_seconds(self.queued)}"
        )
        text += ", cold start" if self.cold_start else ""
        return f"{text}, {self.error}" if self.error else text

    def __repr__(self) -> str:
        return f"<{self}>"
