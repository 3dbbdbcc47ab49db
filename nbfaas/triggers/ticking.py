"""How far a schedule has come, and what is to be done now. Pure.

Whatever was missed, because the process was down, the machine slept, or the queue was full, is made
up by one tick: the latest, which says how many others there were. The first start ever makes up
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nbfaas.triggers.cron import Due, Plan


@dataclass(frozen=True, slots=True)
class Progress:
    """All runs up to ``until`` are dealt with. ``anchor`` is when the plan was first started."""

    text: str  # of the plan
    anchor: datetime
    until: datetime

    @classmethod
    def begin(cls, plan: Plan, now: datetime) -> Progress:
        return cls(plan.text, now, now)

    @classmethod
    def from_state(cls, state: Mapping[str, Any] | None, plan: Plan) -> Progress | None:
        """None at the very first start, and if what is remembered is of another plan."""
        if state is None or state.get("schedule") != plan.text:
            return None
        at = {key: datetime.fromisoformat(state[key]) for key in ("anchor", "until")}
        return cls(plan.text, **at)

    def to_state(self) -> dict[str, Any]:
        return {
            "schedule": self.text,
            "anchor": self.anchor.astimezone(UTC).isoformat(),
            "until": self.until.astimezone(UTC).isoformat(),
        }

    def after(self, due: Due) -> Progress:
        return Progress(self.text, self.anchor, due.at)


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done: hand in ``due`` and go on from ``progress``; or, if nothing is due, look
    again at ``wake`` (None: there is no further run)."""

    progress: Progress
    due: Due | None
    wake: datetime | None


def next_step(plan: Plan, progress: Progress, now: datetime) -> Step:
    if progress.until - now > plan.tolerance:  # the clock was wrong before, or is now
        progress = Progress.begin(plan, now)
    plan = plan.begun(progress.anchor)
    due = plan.due(progress.until, now)
    if due is not None:
        return Step(progress.after(due), due, None)
    return Step(progress, None, plan.after(max(progress.until, now)))
