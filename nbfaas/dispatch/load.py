"""How many invocations were under way, lately? Pure.

Two windows, as in Knative's autoscaler: scaling up follows what is under way at this moment (the
panic, which no average may delay), scaling down follows the average over the stable window, and not
at all while a panic is recent.
"""

from __future__ import annotations

import math
from collections import deque

STABLE = 60.0
"""Seconds of the window that scaling down goes by."""
_PANIC = 2.0  # demand of so many times what there is, is a panic


class Load:
    """Samples of the number of invocations that wait or run, about one a second."""

    __slots__ = ("_panicked_at", "_samples", "_since")

    def __init__(self, now: float) -> None:
        self._since = now
        self._samples: deque[tuple[float, int]] = deque()
        self._panicked_at: float | None = None

    def __repr__(self) -> str:
        return f"<Load of {len(self._samples)} samples>"

    def add(self, now: float, under_way: int, sandboxes: int) -> None:
        """Note a sample, and whether it is a panic."""
        self._samples.append((now, under_way))
        while now - self._samples[0][0] > STABLE:
            self._samples.popleft()
        if under_way >= _PANIC * max(1, sandboxes):
            self._panicked_at = now

    def surplus(self, now: float, sandboxes: int) -> int:
        """How many of the ``sandboxes`` the average load of the stable window does not need.

        None is surplus before a whole window was seen, or less than one after a panic.
        """
        recent_panic = self._panicked_at is not None and now - self._panicked_at < STABLE
        if recent_panic or now - self._since < STABLE or not self._samples:
            return 0
        average = sum(under_way for _, under_way in self._samples) / len(self._samples)
        # One is left to the keep-alive, however rare the calls are.
        return max(0, sandboxes - max(1, math.ceil(average)))
