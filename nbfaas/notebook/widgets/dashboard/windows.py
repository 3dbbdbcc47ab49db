"""Counts that only go up, and what they were up to a minute ago: so rates and percentiles of late.

Counting stays cheap (a number, a histogram); once a second the present counts are put by.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from nbfaas.metrics.histogram import SECONDS, Histogram, percentile

RATE = 10.0  # seconds that rates are of
PERCENTILES = 60.0  # seconds that percentiles are of

_NONE = (0,) * (len(SECONDS) + 1)


class Window:
    """``observe`` each end of something that took ``seconds``; ``mark`` about once a second."""

    __slots__ = ("_marks", "errors", "histogram", "total")

    def __init__(self) -> None:
        self.histogram = Histogram(SECONDS)
        self.total = 0
        self.errors = 0
        self._marks: deque[tuple[float, int, int, Sequence[int]]] = deque()

    def __repr__(self) -> str:
        return f"<Window {self.total} in all, {self.errors} errors>"

    def observe(self, seconds: float) -> None:
        self.histogram.observe(seconds)

    def end(self, error: bool) -> None:
        self.total += 1
        self.errors += error

    def mark(self, now: float) -> None:
        """``now``: seconds of any clock that goes on."""
        marks = self._marks
        if not marks:  # what came before the first mark is of late, too
            marks.append((now - 1.0, 0, 0, _NONE))
        marks.append((now, self.total, self.errors, tuple(self.histogram.counts)))
        while len(marks) > 1 and marks[1][0] <= now - PERCENTILES:
            marks.popleft()

    def rates(self, now: float) -> tuple[float, float]:
        """Ends, and errors, a second of late."""
        at, total, errors, _ = self._before(now - RATE)
        passed = max(now - at, 1.0)
        return (self.total - total) / passed, (self.errors - errors) / passed

    def percentiles(self, *percents: float, last: float = PERCENTILES) -> list[float | None]:
        """Of what ended in the ``last`` seconds before the latest mark; None if nothing did."""
        now = self._marks[-1][0] if self._marks else 0.0
        before = self._before(now - last)[3]
        counts = [a - b for a, b in zip(self.histogram.counts, before, strict=True)]
        return [percentile(SECONDS, counts, each) for each in percents]

    def _before(self, at: float) -> tuple[float, int, int, Sequence[int]]:
        """The latest mark that is not after ``at``; the oldest if all are."""
        found = None
        for mark in self._marks:
            if found is not None and mark[0] > at:
                break
            found = mark
        return found or (at, 0, 0, _NONE)
