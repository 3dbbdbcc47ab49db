"""Timeouts that are just to a peer when this process itself had no time to listen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

_TICK = 1.0  # seconds


class AttendedClock:
    """Counts the seconds in which its loop has run. A cell may be in code that lets no other thread
    run (C that keeps the interpreter's lock), for minutes: what has come meanwhile was not heard,
    and is no sign of a peer that is gone. On the loop that runs."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._seen = self._loop.time()
        self._now = 0.0
        self._running: dict[asyncio.Timeout, float] = {}  # and when they end
        self._next = self._loop.call_later(_TICK, self._tick)

    def __repr__(self) -> str:
        return f"<AttendedClock {self._now:.0f} s, {len(self._running)} timeouts>"

    def time(self) -> float:
        """Seconds since the clock was made; no more exact than a tick."""
        return self._now

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[Callable[[], None]]:
        """As ``asyncio.timeout``. What it gives is to be called when something was heard: then it
        begins anew."""
        async with asyncio.timeout(None) as timeout:

            def renew() -> None:
                self._running[timeout] = self._now + seconds

            renew()
            try:
                yield renew
            finally:
                del self._running[timeout]

    def end_timeouts(self) -> None:
        """Nothing that is waited for will come any more."""
        for timeout in self._running:
            if not timeout.expired():
                timeout.reschedule(self._seen)

    def close(self) -> None:
        self._next.cancel()

    def _tick(self) -> None:
        seen = self._loop.time()
        self._now += min(seen - self._seen, 2 * _TICK)
        self._seen = seen
        for timeout, end in self._running.items():
            if self._now > end and not timeout.expired():
                timeout.reschedule(seen)
        self._next = self._loop.call_later(_TICK, self._tick)
