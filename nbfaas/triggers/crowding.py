"""Whether so many callers hand in events at once that accepting them goes before making attempts.

Who hands in an event waits for its receipt; what is accepted is safe, and can wait. So while many
callers wait, few attempts are begun (``narrowed``), until they let up or half of ``max_backlog``
waits. Pure.
"""

from __future__ import annotations

_MANY = 8  # callers whose events are written in one batch
_LASTS = 0.05  # seconds after such a batch
_SHARE = 32  # a window is that much narrower


class Crowding:
    """``gathered`` is told of each batch. Times are seconds of any clock."""

    def __init__(self) -> None:
        self._until = float("-inf")

    def __repr__(self) -> str:
        return f"<Crowding until {self._until:g}>"

    def gathered(self, callers: int, now: float) -> None:
        if callers >= _MANY:
            self._until = now + _LASTS

    def narrowed(self, window: int, now: float, waiting: int, limit: int) -> int:
        """How many attempts of a trigger may be under way whose ``window`` allows so many;
        ``waiting`` deliveries of ``limit`` wait."""
        if now >= self._until or waiting > limit // 2:
            return window
        return max(1, window // _SHARE)
