"""Counting values by size: cheap to add to, and good enough for percentiles."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0),
)
"""From 100 µs to 5 min. OpenTelemetry advises 5 ms to 10 s, but a warm call takes far less."""
DELIVERY_SECONDS = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 21600.0)
"""From 5 ms to 6 h: deliveries are tried again for as long."""
BYTES = tuple(float(1 << power) for power in range(23, 35))
"""From 8 MB, about the least that Python takes, to 16 GB."""


class Histogram:
    """``counts[i]`` values were at most ``bounds[i]`` and above the one before; the last of the
    counts is of those above all bounds."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def __repr__(self) -> str:
        return f"<Histogram {sum(self.counts)} values, sum {self.sum:g}>"

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def percentile(self, percent: float) -> float | None:
        """The value that ``percent`` % of all stay below, as Prometheus' ``histogram_quantile``
        estimates it: evenly spread within a bucket, and at most the last bound. None: no values."""
        return percentile(self.bounds, self.counts, percent)


def percentile(bounds: Sequence[float], counts: Sequence[int], percent: float) -> float | None:
    """See ``Histogram.percentile``."""
    counts = list(counts)  # they may go on changing
    wanted = sum(counts) * percent / 100
    below, lower = 0, 0.0
    for bound, count in zip(bounds, counts, strict=False):
        if count and below + count >= wanted:
            return lower + (bound - lower) * (wanted - below) / count
        below, lower = below + count, bound
    return lower if any(counts) else None


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """All of them together; they must have the same bounds, and there must be one at least."""
    first, *others = histograms
    total = Histogram(first.bounds)
    for each in (first, *others):
        total.counts = [a + b for a, b in zip(total.counts, each.counts, strict=True)]
        total.sum += each.sum
    return total
