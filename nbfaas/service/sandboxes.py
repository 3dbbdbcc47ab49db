"""The sandboxes there are, as data."""

from __future__ import annotations

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
