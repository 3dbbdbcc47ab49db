"""How long should an idle sandbox wait for the next call? Pure.

Learnt from the function's own gaps between calls, as in Shahrad et al., "Serverless in the Wild"
(USENIX ATC 2020): nearly all gaps should be survived, and what is far beyond them is wasted.
"""

from __future__ import annotations

from collections import deque

_GAPS = 64  # as many are remembered
ENOUGH = 10
"""Below this number of gaps nothing is concluded from them."""
_SURVIVED = 0.95  # the share of gaps that a sandbox should outlive
_MARGIN = 1.5
_SHORTEST_GAP = 1.0  # seconds; the many gaps within a burst say nothing about the next one
_SHORTEST, _LONGEST = 0.1, 3.0  # as multiples of the fallback


class KeepAlive:
    """The gaps between a function's last calls. Calls that overlap leave no gap."""

    __slots__ = ("_gaps", "_quiet_since")

    def __init__(self) -> None:
        self._gaps: deque[float] = deque(maxlen=_GAPS)
        self._quiet_since: float | None = None

    def __repr__(self) -> str:
        return f"<KeepAlive learnt from {len(self._gaps)} gaps>"

    def quiet(self, now: float) -> None:
        """The last call that was under way has ended."""
        self._quiet_since = now

    def called(self, now: float) -> None:
        """A call came."""
        if self._quiet_since is not None:
            gap = now - self._quiet_since
            self._quiet_since = None
            if gap >= _SHORTEST_GAP:
                self._gaps.append(gap)

    def seconds(self, fallback: float) -> float:
        """How long an idle sandbox is kept: ``fallback`` until enough is known, and within a tenth
        and three times of it afterwards."""
        if len(self._gaps) < ENOUGH:
            return fallback
        gaps = sorted(self._gaps)
        longest = gaps[min(len(gaps) - 1, int(_SURVIVED * len(gaps)))]
        return min(max(longest * _MARGIN, _SHORTEST * fallback), _LONGEST * fallback)
