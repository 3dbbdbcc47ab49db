"""The acceptor: hands events to the store, many in one go, and then those due to the deliverer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from nbfaas.delivery.deliverer import Deliverer
from nbfaas.delivery.store import EventStore
from nbfaas.model.delivery import Accepted, Incoming
from nbfaas.triggers.crowding import Crowding

# Callers of one batch that is not kept back: else all of many would wait for the disk together, and
# afterwards the disk for all of them.
_FULL = 16


class _Asked(NamedTuple):
    """Events of one caller. ``reserved``: a trigger's name for each attempt that may begin."""

    incoming: Sequence[Incoming]
    reserved: list[str]
    told: asyncio.Future[list[Accepted]]


class Acceptor:
    """While one batch is on its way to the disk, the next one gathers: so events of many callers
    take as many trips between threads as those of one. On the loop's thread."""

    def __init__(self, store: EventStore, deliverer: Deliverer, crowding: Crowding) -> None:
        self._store = store
        self._deliverer = deliverer
        self._loop = asyncio.get_running_loop()
        self._gathered: list[_Asked] = []
        self._under_way = 0  # batches
        self._crowding = crowding

    def __repr__(self) -> str:
        return f"<Acceptor {len(self._gathered)} callers wait>"

    def accept(
        self,
        incoming: Sequence[Incoming],
        reserved: list[str],
        *,
        source_key: str | None = None,
        state: bytes | None = None,
    ) -> asyncio.Future[list[Accepted]]:
        """What became of each, once that is durable. If nobody waits for it any more, it happens
        all the same."""
        asked = _Asked(incoming, reserved, self._loop.create_future())
        if source_key is not None:
            self._write([asked], lambda: None, source_key, state)
        else:
            self._gathered.append(asked)
            if not self._under_way:
                self._under_way = 1
                self._loop.call_soon(self._write_gathered)
            elif len(self._gathered) >= _FULL:
                self._under_way += 1
                self._write_gathered()
        return asked.told

    def _write_gathered(self) -> None:
        batch, self._gathered = self._gathered, []
        self._crowding.gathered(len(batch))
        if batch:
            self._write(batch, self._write_gathered)
        else:
            self._under_way -= 1

    def _write(
        self,
        batch: list[_Asked],
        after: Callable[[], None],
        source_key: str | None = None,
        state: bytes | None = None,
    ) -> None:
        incoming = [each for asked in batch for each in asked.incoming]
        written = asyncio.wrap_future(
            self._store.accept(incoming, source_key=source_key, state=state), loop=self._loop
        )

        def done(written: asyncio.Future[list[Accepted]]) -> None:
            try:
                error = written.exception()
                if error is None:
                    self._tell(batch, written.result())
                else:
                    for asked in batch:
                        self._free(asked.reserved)
                        if not asked.told.done():
                            asked.told.set_exception(error)
            finally:
                after()

        written.add_done_callback(done)

    def _tell(self, batch: list[_Asked], accepted: list[Accepted]) -> None:
        leased = [delivery for each in accepted for delivery in each.leased]
        at = 0
        for asked in batch:
            theirs = accepted[at : at + len(asked.incoming)]
            at += len(asked.incoming)
            for each in theirs:
                for delivery in each.leased:
                    asked.reserved.remove(delivery.trigger)
            self._free(asked.reserved)
            if not asked.told.done():
                asked.told.set_result(theirs)
        self._deliverer.begin(leased)
        self._deliverer.nudge()

    def _free(self, reserved: list[str]) -> None:
        for trigger in reserved:
            self._deliverer.release(trigger)
