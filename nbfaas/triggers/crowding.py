"""Whether so many callers hand in events that accepting goes before beginning attempts.

Who hands in an event waits for its receipt; what is accepted is safe, and can wait. Beginning an
attempt takes as much of the loop as accepting two events, however long the attempt then runs. So
while many callers wait, attempts are begun at a slow pace, until the callers let up or half of
``max_backlog`` waits. Pure.
"""

from __future__ import annotations

from collections.abc import Callable

_MANY = 8  # callers whose events are written in one batch
_LASTS = 0.05  # seconds after such a batch
_RATE = 200.0  # attempts begun in a second meanwhile: what may be under way is soon reached
_AT_ONCE = 4


class Crowding:
    """The pace of a ``Deliverer``. ``gathered`` is told of each batch; ``clock``: seconds of any
    kind; ``overfull``: whether what waits leaves no time to give way."""

    def __init__(self, clock: Callable[[], float], overfull: Callable[[], bool]) -> None:
        self._clock = clock
        self._overfull = overfull
        self._until = float("-inf")
        self._counted_from = float("-inf")  # what may be begun has been counted since

    def __repr__(self) -> str:
        return f"<Crowding until {self._until:g}>"

    def gathered(self, callers: int) -> None:
        if callers >= _MANY:
            self._until = self._clock() + _LASTS

    def room(self) -> int | None:
        """How many attempts may be begun now; None: as many as there are."""
        now = self._clock()
        if now >= self._until or self._overfull():
            return None
        return int(max(0.0, min(_AT_ONCE, (now - self._counted_from) * _RATE + 1e-6)))

    def began(self) -> None:
        """One was begun."""
        earliest = self._clock() - _AT_ONCE / _RATE
        self._counted_from = max(self._counted_from, earliest) + 1 / _RATE
