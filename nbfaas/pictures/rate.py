"""How fast a run gets on, and when it will be done."""

from __future__ import annotations

from collections import deque

_WINDOW = 10.0  # seconds that the rate is taken over
_APART = 0.2  # seconds between samples


class Rate:
    """Items settled per second over the last seconds. Told the time by the caller, in seconds of
    any clock that does not go back. For one thread."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def __repr__(self) -> str:
        return f"<Rate {self.per_second:.1f}/s>"

    def add(self, now: float, settled: int) -> None:
        """``settled`` items have ended so far. Fewer than before (some are run again): what was
        seen before says nothing any more."""
        samples = self._samples
        if samples and settled < samples[-1][1]:
            samples.clear()
        # The last sample is always the present one; the others are kept at a distance.
        if len(samples) > 1 and samples[-1][0] - samples[-2][0] < _APART:
            samples.pop()
        samples.append((now, settled))
        while len(samples) > 2 and now - samples[1][0] >= _WINDOW:
            samples.popleft()

    @property
    def per_second(self) -> float:
        """0 while nothing has ended, or since nothing has for the length of the window."""
        if len(self._samples) < 2:
            return 0.0
        (begin, before), (end, after) = self._samples[0], self._samples[-1]
        return (after - before) / (end - begin) if end > begin else 0.0

    def left(self, items: int) -> float | None:
        """Seconds for ``items`` more; None if there is nothing to go by."""
        rate = self.per_second
        if not items:
            return 0.0
        return items / rate if rate else None
