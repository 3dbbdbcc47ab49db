"""Schedules, tried out: what a cron expression means, and when it runs. Pure."""

from __future__ import annotations

from datetime import datetime

from nbfaas.triggers.cron import Cron
from nbfaas.triggers.schedule import ScheduleSource


def next_runs(
    cron: str, timezone: str = "UTC", n: int = 5, *, after: datetime | None = None
) -> list[datetime]:
    """The next ``n`` runs of a cron expression of five fields, after ``after`` (aware; now, if not
    given), in ``timezone`` (an IANA name, or ``"local"``). Raises ``BadTrigger``, which says what
    is wrong."""
    return ScheduleSource("tried", cron, timezone=timezone).next_runs(n, after)


def explain_cron(cron: str, timezone: str = "UTC") -> str:
    """In words: "At 02:30 every day (Europe/Berlin)". Raises ``BadTrigger``."""
    return Cron(cron, timezone).explain()
