"""The sandboxes there are, as data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from nbfaas.dispatch.fleet import Fleet


@dataclass(frozen=True, slots=True)
class SandboxRow:
    """A sandbox, as `%faas ps` shows it."""

    id: str
    state: str
    function: str
    version: str
    image: str
    in_flight: int
    answered: int
    cpu: float
    memory: int
    idle_seconds: float
    held: int = 0  # bytes that its process held at the peak of the last attempt


@dataclass(frozen=True, slots=True)
class PoolState:
    """The pool at one moment. ``waiting``: invocations that are in no sandbox yet, by function;
    ``starting``: sandboxes that are being started for them. ``cpu`` cores and ``memory`` bytes are
    what all together may have, ``cpu_at_work`` and ``memory_used`` what they have now."""

    sandboxes: list[SandboxRow]
    waiting: Counter[str]
    starting: int
    cpu: float
    cpu_at_work: float
    memory: int
    memory_used: int


def pool_state(fleet: Fleet, now: float) -> PoolState:
    """``now``: the loop's clock."""
    waiting: Counter[str] = Counter()
    for lane in fleet.lanes.values():
        waiting[lane.function.name] += lane.waiting
    starting = sum(lane.starting for lane in fleet.lanes.values())
    budget = fleet.budget
    rows = sandbox_rows(fleet, now)
    return PoolState(
        rows,
        waiting,
        starting,
        budget.cpu,
        sum(row.cpu for row in rows if row.in_flight),
        budget.memory,
        budget.memory_used,
    )


def sandbox_rows(fleet: Fleet, now: float) -> list[SandboxRow]:
    """Those that functions have, then the prewarmed ones. ``now``: the loop's clock."""
    used = [
        SandboxRow(
            slot.sandbox.id,
            slot.state,
            slot.lane.function.name,
            slot.lane.function.version,
            str(slot.sandbox.spec.image),
            len(slot.in_flight),
            slot.answered_count,
            slot.lane.spec.resources.cpu,
            slot.lane.spec.resources.memory,
            0.0 if slot.in_flight else now - slot.idle_since,
            slot.memory,
        )
        for slot in fleet.slots()
    ]
    waiting = [
        SandboxRow(
            sandbox.id,
            "PREWARMED",
            "",
            "",
            str(sandbox.spec.image),
            0,
            0,
            sandbox.spec.resources.cpu,
            sandbox.spec.resources.memory,
            0.0,
        )
        for sandbox in fleet.stock.sandboxes()
    ]
    return used + waiting
