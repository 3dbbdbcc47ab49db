"""All that a dashboard keeps: what happened, how things stand, how they went over time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from nbfaas.model.records import Record
from nbfaas.notebook.widgets.dashboard.activity import Activity
from nbfaas.notebook.widgets.dashboard.facts import Facts, gather
from nbfaas.notebook.widgets.dashboard.series import Series
from nbfaas.notebook.widgets.dashboard.stream import EventStream
from nbfaas.service import Place

EVERY = 1.0  # seconds between two looks at how things stand
_LATE = 5.0  # seconds that the latency over time is of
_IDLE = (0.0, 0.0, 0, 0, None, None, None)  # a row of the series, without its time


class Watch:
    """``listen`` to records and ``tick`` on the widgets' thread. Hold ``lock`` to read."""

    def __init__(
        self,
        current: Callable[[], Place | None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.activity = Activity()
        self.stream = EventStream()
        self.series = Series()
        self.facts = Facts()
        self.problem: Exception | None = None  # why the facts are not those of now
        self.ticks = 0
        self.lock = threading.Lock()
        self._current = current
        self._clock = clock
        self._looking = threading.Lock()
        self._ticked = float("-inf")
        self._died = -1
        self._counted = (0, 0)
        self._idle = False  # whether the last row of the series was of a second without calls

    def __repr__(self) -> str:
        return f"<Watch of {self.activity!r}>"

    def listen(self, batch: Sequence[Record]) -> None:
        with self.lock:
            self.activity.add(batch)
            self.stream.add(batch)

    def tick(self, now: float) -> None:
        """``now`` is monotonic. Looks at the service once a second."""
        passed = now - self._ticked
        if passed < EVERY:
            return
        self._ticked = now
        self.look()
        with self.lock:
            self._mark(now, min(passed, 60.0))

    def look(self) -> None:
        """See how things stand."""
        with self._looking:
            died = self.stream.died
            try:
                facts, problem = gather(self._current(), self.facts, died != self._died), None
                self._died = died
            except Exception as error:  # noqa: BLE001 - the dashboard shows it
                facts, problem = self.facts, error
            with self.lock:
                self.facts, self.problem = facts, problem
                self._compare()
                self.ticks += 1

    def _compare(self) -> None:
        """Tracks as the pool has them: it knows of those that were there before the dashboard, and
        of what was taken back out of a sandbox."""
        pool = self.facts.pool
        if pool is None:
            return
        rows = {row.id: row for row in pool.sandboxes if row.function}
        for row in rows.values():
            track = self.activity.track(row.id, row.function)
            if not track.since:
                track.since = self._clock()
            track.in_flight = row.in_flight
        for track in self.activity.tracks.values():
            if track.sandbox not in rows and not track.gone:
                track.gone, track.in_flight = True, 0
                self.activity.tracks_changed += 1

    def _mark(self, now: float, passed: float) -> None:
        activity, pool = self.activity, self.facts.pool
        activity.mark(now)
        activity.forget_gone()
        total, errors = activity.all.total, activity.all.errors
        calls, failed = total - self._counted[0], errors - self._counted[1]
        self._counted = (total, errors)
        row = (
            calls / passed,
            failed / passed,
            sum(pool.waiting.values()) if pool else 0,
            sum(row.in_flight > 0 for row in pool.sandboxes) if pool else 0,
            *activity.all.percentiles(50, 95, 99, last=_LATE),
        )
        at = self._clock()
        idle = row == _IDLE
        if idle and self._idle:
            return  # there is nothing new to be told
        if self._idle and len(self.series):
            self.series.add(at - EVERY, *_IDLE)  # up to here
        self._idle = idle
        self.series.add(at, *row)
