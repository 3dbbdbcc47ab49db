"""What the journal answers with."""

from __future__ import annotations

from dataclasses import dataclass

from nbfaas.model.invocation import InvocationState

LEFT_OUT = "left out of lists; find(id) has it"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournaledInvocation:
    """One invocation, as far as the journal has it. Times are seconds since the epoch.

    ``lost`` says that the session that ran it is gone, so that ``state`` will never become final.
    ``result`` is what the caller packed the return value into; where it is None although the
    invocation succeeded, ``result_note`` says why. ``failure`` is the exception as data, ``log``
    the end of what was written.
    """

    id: str
    function: str  # empty where the journal began only after the invocation was queued
    version: str
    state: InvocationState
    lost: bool
    run_id: str | None
    index: int | None
    queued_at: float
    finished_at: float | None
    attempts: int
    error: str | None
    result: bytes | None
    result_note: str | None
    failure: dict[str, object] | None
    log: bytes

    def __repr__(self) -> str:
        lost = ", lost" if self.lost else ""
        return f"<JournaledInvocation {self.id} {self.function} {self.state}{lost}>"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many invocations the journal holds: by state, and how many of the unfinished are lost."""

    by_state: dict[InvocationState, int]
    lost: int

    @property
    def total(self) -> int:
        return sum(self.by_state.values())
