"""Housekeeping: what has to be looked at now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from nbfaas.backends.base import Death
from nbfaas.dispatch.awaiting import none_left
from nbfaas.dispatch.fleet import Fleet
from nbfaas.dispatch.slot import Slot

if TYPE_CHECKING:
    from nbfaas.settings import Settings

_EVERY = 1.0  # seconds


class Housekeeper:
    """Once a second: has ``catch_up`` called (what was learnt of durations may call for more
    sandboxes), removes what was idle for too long, and looks after sandboxes that are busy but
    have been silent; those that can't make progress are reported to ``gone``."""

    def __init__(
        self,
        fleet: Fleet,
        settings: Settings,
        catch_up: Callable[[], None],
        gone: Callable[[Slot, Death], None],
    ) -> None:
        self._fleet = fleet
        self._settings = settings
        self._catch_up = catch_up
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._probes: set[asyncio.Task[None]] = set()
        self._timer = self._loop.call_later(_EVERY, self._work)

    def __repr__(self) -> str:
        return f"<Housekeeper {len(self._probes)} probes under way>"

    def _work(self) -> None:
        self._timer = self._loop.call_later(_EVERY, self._work)
        now = self._loop.time()
        self._catch_up()
        self._fleet.expire(now)
        for slot in self._fleet.slots():
            if slot.in_flight and now - slot.last_heard > self._settings.silence:
                slot.last_heard = now  # look again after as long a silence
                task = self._loop.create_task(self._look_after(slot), name="nbfaas-probe")
                self._probes.add(task)
                task.add_done_callback(self._probes.discard)

    async def _look_after(self, slot: Slot) -> None:
        death = await slot.sandbox.probe()
        if death is not None and not slot.dead:
            self._gone(slot, death)

    async def close(self) -> None:
        self._timer.cancel()
        await none_left(self._probes)
