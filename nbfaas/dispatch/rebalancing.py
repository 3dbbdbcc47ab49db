"""Rebalancing: what was sent ahead and is stuck behind a slow invocation goes elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nbfaas.dispatch.lookahead import AHEAD
from nbfaas.dispatch.slot import Slot

_EVERY = 0.005  # seconds between looks, while anything is sent ahead
STUCK = 2 * AHEAD
"""Seconds after which an invocation counts as slow: all that a sandbox holds should be done."""


class Rebalancer:
    """``slots`` returns all slots. Sleeps while none holds more than one invocation."""

    def __init__(self, slots: Callable[[], list[Slot]]) -> None:
        self._slots = slots
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Rebalancer {'asleep' if self._timer is None else 'looking'}>"

    def watch(self) -> None:
        """Something was sent ahead."""
        if self._timer is None:
            self._timer = self._loop.call_later(_EVERY, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        for slot in self._slots():
            if len(slot.in_flight) > 1:
                self.watch()
                if now - slot.head_since > STUCK:
                    slot.revoke_waiting()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
