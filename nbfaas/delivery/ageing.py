"""Ageing: what waits for longer than its policy allows dies, and its destination is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from nbfaas.delivery.retrying import Verdict, after_waiting
from nbfaas.delivery.store import EventStore
from nbfaas.errors.delivery import EventStoreError
from nbfaas.model.delivery import Delivery, DeliveryState, Incoming, Outcome, Overdue

_PATIENCE = 60.0  # seconds from the start in which triggers are probably defined
_BODIES = 4  # that are in memory at once: they may be large

Observer = Callable[[Delivery | Overdue, Outcome], None]


class Mourner(Protocol):
    """Knows who is to be told of a delivery that dies while it waits."""

    def triggers(self) -> Collection[str]:
        """The names of the triggers there are."""

    def tells_of_death(self, trigger: str) -> bool:
        """Whether anybody is."""

    def death_events(self, delivery: Delivery, verdict: Verdict) -> Sequence[Incoming]:
        """The events that tell it."""


class Ageing:
    """On the loop's thread. Only of what somebody is told of are the bodies read."""

    def __init__(
        self,
        store: EventStore,
        mourner: Mourner,
        *,
        observe: Observer,
        notify: Callable[[str], None],
    ) -> None:
        self._store = store
        self._mourner = mourner
        self._observe = observe
        self._notify = notify
        self._loop = asyncio.get_running_loop()
        self._since: float | None = None

    def __repr__(self) -> str:
        return f"<Ageing in {self._store!r}>"

    async def end_overdue(self, now: float) -> int:
        """Have all that is overdue die; returns how much that was. Raises ``EventStoreError``.

        For a while after the start, only if its trigger is there: it may be about to be defined,
        and then is told.
        """
        if self._since is None:
            self._since = self._loop.time()
        patient = self._loop.time() - self._since < _PATIENCE
        triggers = self._mourner.triggers() if patient else None
        count = 0
        while found := await asyncio.wrap_future(self._store.overdue(now, triggers)):
            told: list[Overdue] = []
            quiet: list[Overdue] = []
            for each in found:
                (told if self._mourner.tells_of_death(each.trigger) else quiet).append(each)
            await self._settle(quiet, [_death(each, now) for each in quiet])
            for start in range(0, len(told), _BODIES):
                await self._end_and_tell(told[start : start + _BODIES], now)
            count += len(found)
        return count

    async def _end_and_tell(self, dying: Sequence[Overdue], now: float) -> None:
        numbers = [each.number for each in dying]
        bodies = {
            delivery.number: delivery
            for delivery in await asyncio.wrap_future(self._store.deliveries(numbers))
        }
        outcomes = [
            _death(each, now, self._events(bodies[each.number], after_waiting(each)))
            for each in dying
            if each.number in bodies
        ]
        try:
            await self._settle(dying, outcomes)
        except EventStoreError:
            raise
        except Exception as error:  # noqa: BLE001 - what can't be told must not keep it alive
            if len(dying) > 1:
                for each in dying:
                    await self._end_and_tell([each], now)
                return
            self._not_told(dying[0].trigger, error)
            await self._settle(dying, [_death(each, now) for each in dying])

    def _events(self, delivery: Delivery, verdict: Verdict) -> Sequence[Incoming]:
        try:
            return self._mourner.death_events(delivery, verdict)
        except Exception as error:  # noqa: BLE001 - the same
            self._not_told(delivery.trigger, error)
            return ()

    async def _settle(self, dying: Sequence[Overdue], outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        by_number = {each.number: each for each in dying}
        counted = await asyncio.wrap_future(self._store.settle(outcomes))
        for outcome, counts in zip(outcomes, counted, strict=True):
            if counts:
                self._observe(by_number[outcome.number], outcome)

    def _not_told(self, trigger: str, error: Exception) -> None:
        self._notify(
            f"what trigger {trigger!r} leads to was not told of what has grown too old: "
            f"{type(error).__name__}: {error}"
        )


def _death(overdue: Overdue, now: float, emits: Sequence[Incoming] = ()) -> Outcome:
    return Outcome(
        overdue.number,
        overdue.epoch,
        DeliveryState.DEAD,
        now,
        reason=after_waiting(overdue).reason,
        emits=tuple(emits),
        expired=True,
    )
