"""When a schedule's runs are: ``Cron`` by a cron expression, ``Every`` by a period. Pure.

Daylight saving, as Debian's cron has it. If neither the minute nor the hour field of an expression
starts with ``*``, its runs are at fixed times of the day: those that the clock skips are right
after the gap (all of them as one run, at its end), and those that it shows twice are in the first
pass only. Every other expression follows the wall clock as it is: nothing within the hour that is
skipped, and a run in each pass of the hour that comes twice.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from cronsim import CronSim, CronSimError

from nbfaas.errors.delivery import BadTrigger
from nbfaas.triggers.zone import find_zone

COUNTED = 10_000
"""So many runs of a cron expression are counted one by one; more than that are not told apart."""
SHORTEST, LONGEST = 0.1, 366 * 86_400.0
_CLOCK_CHANGE = timedelta(hours=3)
_FIELDS = (
    "five fields are wanted, minute hour day-of-month month day-of-week, such as '*/5 * * * *' "
    "(every five minutes) or '30 9 * * MON-FRI'"
)


@dataclass(frozen=True, slots=True)
class Due:
    """The latest run of some time, and how many others there were."""

    at: datetime
    missed: int


class Plan(ABC):
    """Which runs there are. All datetimes are aware; those returned are in UTC."""

    text: str
    """The expression, or ``every 10 s``; two plans with the same text have the same runs."""
    zone: tzinfo
    tolerance: timedelta
    """If the clock is put back by no more than this, what was run is not run again; else it is
    taken as set right, and the plan goes on from the new time."""

    @abstractmethod
    def after(self, moment: datetime) -> datetime | None:
        """The first run later than ``moment``; None if there is none any more."""

    @abstractmethod
    def due(self, after: datetime, until: datetime) -> Due | None:
        """The latest run later than ``after`` and not later than ``until``, and the number of those
        before it."""

    @abstractmethod
    def begun(self, anchor: datetime) -> Plan:
        """The plan as it is once it has been started at ``anchor``."""

    @abstractmethod
    def explain(self) -> str:
        """In words: "At 02:30 every day (Europe/Berlin)"."""


class Cron(Plan):
    """Five fields, as cronsim reads them (also ``MON#2``, ``5L``, ``L``, ``LW``); ``timezone`` is
    an IANA name or "local". Raises ``BadTrigger``."""

    tolerance = _CLOCK_CHANGE  # as Debian's cron; a clock set back further has been set right

    def __init__(self, expression: str, timezone: str = "UTC") -> None:
        self.zone, self._zone_name = find_zone("schedule", timezone)
        if not isinstance(expression, str):
            raise BadTrigger("schedule", "cron", expression, f"it must be a str; {_FIELDS}")
        self._expression = " ".join(expression.split())
        if self._expression.count(" ") != 4:
            seconds = "; for runs within the minute there is on.every(seconds)"
            hint = seconds if self._expression.count(" ") == 5 else ""
            raise BadTrigger("schedule", "cron", expression, f"{_FIELDS}{hint}")
        try:
            runs = CronSim(self._expression, datetime(2000, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            why = f"{str(error).lower()}; {_FIELDS}"
            raise BadTrigger("schedule", "cron", expression, why) from None
        if next(runs, None) is None:
            raise BadTrigger("schedule", "cron", expression, f"there is no such day; {_FIELDS}")
        self.text = f"{self._expression} ({self._zone_name})"

    def after(self, moment: datetime) -> datetime | None:
        return next(self._runs(moment), None)

    def due(self, after: datetime, until: datetime) -> Due | None:
        latest, runs = None, 0
        for run in self._runs(after):
            if run > until:
                break
            latest, runs = run, runs + 1
            if runs == COUNTED:
                latest = self._latest(run, until)
                break
        return None if latest is None else Due(latest, runs - 1)

    def begun(self, anchor: datetime) -> Cron:
        return self

    def explain(self) -> str:
        words = CronSim(self._expression, datetime(2000, 1, 1, tzinfo=UTC)).explain()
        return f"{words} ({self._zone_name})"

    def _latest(self, known: datetime, until: datetime) -> datetime:
        """The latest run up to ``until``, looked for from the end; ``known`` is an earlier one."""
        for hours in (1, 24, 24 * 31, 24 * 366):
            begin = max(known, until - timedelta(hours=hours))
            latest = known
            for run in self._runs(begin):
                if run > until:
                    break
                latest = run
            if latest > known:
                return latest
        return known

    def _runs(self, after: datetime) -> Iterator[datetime]:
        """In time order and all later than ``after``: where the clock shows an hour twice, cronsim
        answers with the first pass, which may be over."""
        for local in CronSim(self._expression, after.astimezone(self.zone)):
            run = local.astimezone(UTC)
            if run > after:
                after = run
                yield run


@dataclass(frozen=True)
class Every(Plan):
    """Every so many ``seconds``, counted from ``anchor``, so it does not drift. Raises
    ``BadTrigger``."""

    seconds: float
    anchor: datetime | None = None
    zone = UTC

    def __post_init__(self) -> None:
        given = self.seconds
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise BadTrigger("every", "seconds", given, "it must be a number, such as 10 or 0.5")
        if not math.isfinite(given) or not SHORTEST <= given <= LONGEST:
            wanted = f"it must be from {SHORTEST} to {LONGEST:,.0f} (366 days)"
            raise BadTrigger("every", "seconds", given, wanted)
        object.__setattr__(self, "text", f"every {given:g} s")
        object.__setattr__(self, "tolerance", min(self._period, _CLOCK_CHANGE))

    @property
    def _period(self) -> timedelta:
        return timedelta(seconds=self.seconds)

    def after(self, moment: datetime) -> datetime:
        anchor = self.anchor or moment
        return anchor + (self._passed(anchor, moment) + 1) * self._period

    def due(self, after: datetime, until: datetime) -> Due | None:
        anchor = self.anchor or after
        last = self._passed(anchor, until)
        runs = last - self._passed(anchor, after)
        return Due(anchor + last * self._period, runs - 1) if runs > 0 else None

    def begun(self, anchor: datetime) -> Every:
        return replace(self, anchor=anchor)

    def explain(self) -> str:
        return f"Every {self.seconds:g} seconds, counted from the first start"

    def _passed(self, anchor: datetime, moment: datetime) -> int:
        """How many runs were up to ``moment``; the anchor itself is none."""
        return max((moment - anchor) // self._period, 0)
