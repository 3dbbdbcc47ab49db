"""``ScheduleSource``: events at the times of a cron expression, or every so many seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from nbfaas.agent.event import Event, format_time
from nbfaas.errors.delivery import BadTrigger, EventConflict
from nbfaas.triggers.cron import Cron, Due, Every, Plan
from nbfaas.triggers.source import Intake, Source
from nbfaas.triggers.ticking import Progress, next_step

LOOK_AGAIN = timedelta(seconds=30)
"""The clock is looked at at least this often: it may have been set, or the machine have slept."""


class ScheduleSource(Source):
    """An event of type ``nbfaas.schedule.tick`` at each run of a schedule.

    ``when`` is a cron expression of five fields, in ``timezone`` (see ``cron.py`` for daylight
    saving), or a number of seconds, from 0.1; these are counted from the first start. ``name`` is
    the trigger's. An event's id is made of the name and the scheduled time (its ``time``), so that
    no run is there twice; its ``data`` has ``scheduled_at`` (ISO, local time), ``schedule``, and
    ``missed``: how many runs before it had no event of their own (see ``ticking.py``; of a cron
    expression, up to 10,000 are counted). Raises ``BadTrigger``.

    If the clock is put back by up to three hours (or a period of ``every``, if that is shorter),
    runs that come again are not made again.
    """

    kind: ClassVar[str] = "schedule"

    def __init__(
        self,
        name: str,
        when: str | float,
        *,
        timezone: str = "UTC",
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        is_number = isinstance(when, int | float) and not isinstance(when, bool)
        self._plan: Plan = Every(when) if is_number else Cron(when, timezone)  # type: ignore[arg-type]
        self._name = name
        self._clock = clock
        self._sleep = sleep

    async def run(self, intake: Intake) -> None:
        progress = Progress.from_state(intake.state, self._plan)
        if (
            progress is None
        ):  # from now on: without it, a restart before the first run would lose it
            progress = Progress.begin(self._plan, self._now())
            await intake.accept([], state=progress.to_state())
        while True:
            now = self._now()
            step = next_step(self._plan, progress, now)
            progress = step.progress
            self._plan = self._plan.begun(progress.anchor)
            if step.due is not None:
                await self._hand_in(intake, step.due, progress)
                continue
            pause = LOOK_AGAIN if step.wake is None else min(step.wake - now, LOOK_AGAIN)
            await self._sleep(pause.total_seconds())

    async def _hand_in(self, intake: Intake, due: Due, progress: Progress) -> None:
        try:
            await intake.accept([self._event(due)], state=progress.to_state())
        except EventConflict:  # this run had been handed in, before the clock was put back
            await intake.accept([], state=progress.to_state())

    def _event(self, due: Due) -> Event:
        return Event(
            "nbfaas.schedule.tick",
            self._data(due),
            source=f"nbfaas/schedule/{quote(self._name, safe='')}",
            id=f"{self._name}@{format_time(due.at)}",
            time=due.at,
        )

    def data_by_hand(self) -> dict[str, Any]:
        """That of a run that is scheduled for this moment."""
        return self._data(Due(self._now(), 0))

    def _data(self, due: Due) -> dict[str, Any]:
        return {
            "scheduled_at": due.at.astimezone(self._plan.zone).isoformat(),
            "schedule": self._plan.text,
            "missed": due.missed,
        }

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def next_runs(self, n: int = 5, after: datetime | None = None) -> list[datetime]:
        """The next runs after ``after`` (aware; now, if not given), in the schedule's timezone.
        Those of a number of seconds count from ``after`` while the source was not started yet."""
        if after is not None and after.tzinfo is None:
            wanted = "it must be a datetime with a timezone, such as datetime.now(UTC)"
            raise BadTrigger("schedule", "after", after, wanted)
        moment: datetime | None = self._now() if after is None else after.astimezone(UTC)
        runs: list[datetime] = []
        while len(runs) < n and moment is not None and (moment := self._plan.after(moment)):
            runs.append(moment.astimezone(self._plan.zone))
        return runs

    def explain(self) -> str:
        """In words: "At 02:30 every day (Europe/Berlin)"."""
        return self._plan.explain()

    def describe(self) -> str:
        return self._plan.text
