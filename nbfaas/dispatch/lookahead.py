"""How many invocations may wait inside a sandbox, behind the one that runs? Pure.

Without look-ahead a sandbox idles for the length of a round trip between two invocations; with too
much of it, short invocations wait behind a slow one while other sandboxes idle.
"""

from __future__ import annotations

import math

# Work sent ahead, in seconds: many round trips of 0.1 ms, and not long for an unlucky neighbour.
AHEAD = 0.004
MOST = 64


class Durations:
    """The durations of a function's invocations, as far as look-ahead and scaling need them."""

    __slots__ = ("count", "mean", "peak")

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0  # exponentially weighted, seconds
        self.peak = 0.0  # the longest, forgotten by 2 % with each invocation

    def __repr__(self) -> str:
        return f"<Durations of {self.count}: mean {self.mean:.6f} s, peak {self.peak:.6f} s>"

    def add(self, seconds: float) -> None:
        self.count += 1
        self.mean = seconds if self.count == 1 else self.mean + 0.2 * (seconds - self.mean)
        self.peak = max(seconds, self.peak * 0.98)


def window(durations: Durations, queued: int, sandboxes: int) -> int:
    """How many invocations a sandbox may hold, the running one included; at least 1."""
    if not durations.count or sandboxes < 1:
        return 1
    by_time = int(AHEAD / max(durations.peak, 1e-6))
    fair_share = math.ceil(queued / sandboxes)
    return max(1, min(MOST, by_time, fair_share))
