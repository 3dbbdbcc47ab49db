"""The deliverer: begins attempts of what is due, hands them to their targets, and settles them.

The store is the queue; only what is under way is in memory. Everything runs on one asyncio loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from nbfaas.delivery.ageing import Ageing, Mourner, Observer
from nbfaas.delivery.pace import Pace, Unhindered
from nbfaas.delivery.retrying import Verdict, after_failure
from nbfaas.delivery.store import EventStore
from nbfaas.errors.delivery import EventStoreError
from nbfaas.model.delivery import Delivery, DeliveryState, Incoming, Outcome

_SWEEP = 5.0  # seconds between looks for what has become too old
_SET_BACK = 1.0  # seconds; by less than that clocks are adjusted all the time
_LAST_SETTLING = 5.0  # seconds for what has ended when it is closed
_PACED = 0.01  # seconds until it is looked again whether an attempt may be begun
_STORE_DOWN = 1.0  # seconds before a store that refuses is asked again


class AttemptEnd:
    """How an attempt ended. ``error`` None: it succeeded. ``permanent``: it would end the same
    again. ``interrupted``: nobody's fault (the process is closing); to be made again."""

    __slots__ = (
        "emits", "error", "interrupted", "invocation", "permanent", "sandbox", "wall",
    )  # fmt: skip

    def __init__(
        self,
        error: str | None = None,
        *,
        permanent: bool = False,
        interrupted: bool = False,
        invocation: str | None = None,
        sandbox: str | None = None,
        wall: float | None = None,
        emits: Callable[[Delivery, Verdict | None], Sequence[Incoming]] | None = None,
    ) -> None:
        self.error = error
        self.permanent = permanent
        self.interrupted = interrupted
        self.invocation = invocation
        self.sandbox = sandbox
        self.wall = wall
        self.emits = emits  # the events of its destinations, once it is known to be done or dead


Ended = Callable[[AttemptEnd], None]
"""Told how an attempt has ended; once, on the loop's thread."""


class Courier(Mourner, Protocol):
    """Makes attempts, and knows who is told of what dies."""

    def attempt(self, deliveries: Sequence[Delivery], ended: Callable[[Delivery], Ended]) -> None:
        """Begin all of them and return; ``ended(delivery)`` is to be called with each one's end."""


class Deliverer:
    """``room()`` says of each trigger that may be served how many attempts may be under way."""

    def __init__(
        self,
        store: EventStore,
        courier: Courier,
        room: Callable[[], Mapping[str, int]],
        pace: Pace | None = None,
        *,
        observe: Observer,
        notify: Callable[[str], None],
        clock: Callable[[], float] = time.time,
        rng: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._courier = courier
        self._room = room
        self._pace = pace or Unhindered()
        self._observe = observe
        self._notify = notify
        self._clock = clock
        self._rng = rng
        self._ageing = Ageing(store, courier, observe=observe, notify=notify)
        self._loop = asyncio.get_running_loop()
        self._under_way: Counter[str] = Counter()
        # By number and epoch: one that is to be tried again at once may have begun its next attempt
        # before it is heard here that the last one is settled.
        self._in_flight: dict[tuple[int, int], Delivery] = {}
        self._settling: list[Outcome] = []
        self._wake = asyncio.Event()
        self._sweep_wake = asyncio.Event()
        self._settle_wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._settler: asyncio.Task[None] | None = None
        self._leaser: asyncio.Task[None] | None = None
        self._swept = asyncio.Event()  # what was too old at the start is out of the way
        self._quiet = asyncio.Event()  # nothing is under way
        self._settled = asyncio.Event()  # all that has ended is settled
        self._quiet.set()
        self._settled.set()
        self._complained: set[str] = set()  # of what does not work just now
        self._ahead: float | None = None  # of the clock, compared with one that is never set
        self._leasing = False
        self._closing = False
        self.delivered = 0
        """How many attempts have ended since it was started."""

    def __repr__(self) -> str:
        return f"<Deliverer {len(self._in_flight)} attempts under way, {self.delivered} ended>"

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, or just being begun: accepted or leased, but not yet heard
        of here."""
        return not self._leasing and not any(self._under_way.values())

    def start(self) -> None:
        spawn = self._loop.create_task
        self._settler = spawn(self._settle(), name="nbfaas-deliver-settle")
        self._leaser = spawn(self._lease(), name="nbfaas-deliver-lease")
        self._tasks = [
            self._settler,
            self._leaser,
            spawn(self._sweep(), name="nbfaas-deliver-sweep"),
        ]

    def nudge(self) -> None:
        """Something may be due, or may be had: look."""
        self._wake.set()

    def free(self, trigger: str, window: int) -> bool:
        """Whether an event accepted now may be begun at once: nothing is to go before it."""
        return (
            bool(self._tasks)
            and not self._closing
            and self._under_way[trigger] < window
            and not self._store.waiting.get(trigger)
            and self._pace.room() != 0
        )

    def reserve(self, trigger: str) -> None:
        self._under_way[trigger] += 1
        self._pace.began()

    def release(self, trigger: str) -> None:
        self._under_way[trigger] -= 1

    def begin(self, deliveries: Sequence[Delivery]) -> None:
        """Attempts that are journalled, and reserved: make them."""
        if not deliveries:
            return
        for delivery in deliveries:
            self._in_flight[delivery.number, delivery.epoch] = delivery
        self._quiet.clear()
        try:
            self._courier.attempt(deliveries, self._ended)
        except Exception as error:  # noqa: BLE001 - else those that it did not begin never end
            for delivery in deliveries:  # of those that it did, the first end counts
                self._ended(delivery)(AttemptEnd(f"{type(error).__name__}: {error}"))

    # -- leasing

    async def _lease(self) -> None:
        await self._swept.wait()  # what is too old is not begun, and would only be in the way
        while not self._closing:
            self._wake.clear()
            self._leasing = True
            wait = await self._guarded(self._lease_once, "leasing")
            self._leasing = False
            if wait == 0 or self._closing:
                continue
            await _within(wait, self._wake.wait())

    async def _lease_once(self) -> float | None:
        """Begin what is due; return how long there is nothing to do (None: until nudged)."""
        most = self._pace.room()
        if most == 0:
            return _PACED
        waiting = self._store.waiting
        windows = {name: size for name, size in self._room().items() if waiting.get(name)}
        # Half a window at a time: a transaction for each single delivery would be wasteful.
        room = {
            name: min(size - self._under_way[name], most or size)
            for name, size in windows.items()
            if self._under_way[name] <= size // 2
        }
        if not room:
            return None
        now = self._clock()
        deliveries = await asyncio.wrap_future(self._store.lease(room, now))
        if deliveries:
            for delivery in deliveries:
                self.reserve(delivery.trigger)
            if not self._closing:
                self.begin(deliveries)
            else:  # they were asked for before
                for delivery in deliveries:
                    self._ended(delivery)(AttemptEnd("nbfaas was closed", interrupted=True))
            return 0
        due = await asyncio.wrap_future(self._store.next_due(list(room)))
        if due is None:
            return None  # what waits, waits behind an attempt that is under way
        if due <= now:  # and was not leased: it has grown too old, and stands in the way
            self._sweep_wake.set()
            return _SWEEP  # or until it is swept
        return max(0.001, due - self._clock())

    # -- settling

    def _ended(self, delivery: Delivery) -> Ended:
        def ended(end: AttemptEnd) -> None:
            self.delivered += 1
            self._settling.append(self._outcome(delivery, end))
            self._settled.clear()
            self._settle_wake.set()

        return ended

    def _outcome(self, delivery: Delivery, end: AttemptEnd) -> Outcome:
        now = self._clock()
        verdict: Verdict | None = None
        state, due_at, reason = DeliveryState.DONE, None, None
        if end.interrupted:
            state, due_at = DeliveryState.WAITING, now
        elif end.error is not None:
            verdict = after_failure(
                delivery.policy,
                attempt=delivery.attempt,
                expires_at=delivery.expires_at,
                now=now,
                permanent=end.permanent,
                random=self._rng,
            )
            due_at = verdict.due_at
            state = DeliveryState.DEAD if due_at is None else DeliveryState.WAITING
            reason = verdict.reason if due_at is None else None
        emits: Sequence[Incoming] = ()
        if end.emits is not None and state is not DeliveryState.WAITING:
            try:
                emits = end.emits(delivery, verdict)
            except Exception as error:  # noqa: BLE001 - whatever it is, the attempt has ended
                self._notify(
                    f"what trigger {delivery.trigger!r} leads to was not told of delivery "
                    f"{delivery.number}: {type(error).__name__}: {error}"
                )
        return Outcome(
            delivery.number,
            delivery.epoch,
            state,
            now,
            error=end.error,
            due_at=due_at,
            reason=reason,
            invocation=end.invocation,
            sandbox=end.sandbox,
            wall=end.wall,
            emits=tuple(emits),
            interrupted=end.interrupted,
        )

    async def _settle(self) -> None:
        while True:
            await self._settle_wake.wait()
            self._settle_wake.clear()
            while self._settling:
                outcomes, self._settling = self._settling, []
                await self._guarded(functools.partial(self._settle_batch, outcomes), "settling")
            self._settled.set()

    async def _settle_batch(self, outcomes: list[Outcome]) -> None:
        try:
            counted = await asyncio.wrap_future(self._store.settle(outcomes))
        except EventStoreError:
            # Nothing of it happened; it is tried again, for the function has run.
            self._settling[:0] = outcomes
            raise
        except Exception as error:  # noqa: BLE001 - it must not stop what else is to be settled
            await self._settle_apart(outcomes, error)
            return
        settled: list[tuple[Delivery, Outcome]] = []
        for outcome, counts in zip(outcomes, counted, strict=True):
            delivery = self._in_flight.pop((outcome.number, outcome.epoch), None)
            if delivery is not None:
                self.release(delivery.trigger)
                if counts:
                    settled.append((delivery, outcome))
        if not self._in_flight:
            self._quiet.set()
        self.nudge()
        for delivery, outcome in settled:
            try:
                self._observe(delivery, outcome)
            except Exception as error:  # noqa: BLE001 - it has ended all the same
                self._loop.call_exception_handler({"message": str(error), "exception": error})

    async def _settle_apart(self, outcomes: list[Outcome], error: Exception) -> None:
        """The same, after the store could not take them: each by itself, and the one at fault as
        dead, without events of its destinations; if not even that can be, its place is freed, and
        the next process will find it begun."""
        if len(outcomes) > 1:
            for index, outcome in enumerate(outcomes):
                try:
                    await self._settle_batch([outcome])
                except EventStoreError:
                    self._settling += outcomes[index + 1 :]
                    raise
            return
        (outcome,) = outcomes
        told = f"its outcome could not be kept: {type(error).__name__}: {error}"
        if outcome.reason != told:
            dead = Outcome(
                outcome.number, outcome.epoch, DeliveryState.DEAD, outcome.at, told, reason=told
            )
            await self._settle_batch([dead])
            return
        delivery = self._in_flight.pop((outcome.number, outcome.epoch), None)
        if delivery is not None:
            self.release(delivery.trigger)
            if not self._in_flight:
                self._quiet.set()
            self._notify(f"delivery {outcome.number} of trigger {delivery.trigger!r}: {told}")

    # -- ageing

    async def _sweep(self) -> None:
        while True:
            self._sweep_wake.clear()
            await self._guarded(self._sweep_once, "looking for what is too old")
            await _within(_SWEEP, self._sweep_wake.wait())

    async def _sweep_once(self) -> None:
        now = self._clock()
        ahead = now - self._loop.time()
        if self._ahead is None or ahead < self._ahead - _SET_BACK:
            await asyncio.wrap_future(self._store.set_back(now))
            self.nudge()
        self._ahead = ahead
        if await self._ageing.end_overdue(now):
            self.nudge()
        self._swept.set()
        await asyncio.wrap_future(self._store.prune(now))

    async def _guarded(
        self, step: Callable[[], Awaitable[float | None]], what: str
    ) -> float | None:
        """A store that can't be used must not end the loop: it may be usable again later."""
        try:
            wait = await step()
        except EventStoreError as error:
            if what not in self._complained:  # once, and not each second
                self._complained.add(what)
                self._notify(f"{what} has to wait: {error}")
            await asyncio.sleep(_STORE_DOWN)
            return 0
        except Exception as error:  # noqa: BLE001 - nor may anything else
            if what not in self._complained:
                self._complained.add(what)
                self._notify(f"{what} has failed, and is tried again: {error!r}")
            await asyncio.sleep(_STORE_DOWN)
            return 0
        self._complained.discard(what)
        return wait

    # -- the end

    async def stop(self, grace: float) -> None:
        """Begin nothing more, and wait up to ``grace`` seconds for what is under way."""
        self._closing = True
        self._swept.set()
        self.nudge()
        if self._leaser is not None:
            await asyncio.wait([self._leaser], timeout=grace)
        await self._end_tasks([task for task in self._tasks if task is not self._settler])
        await _within(grace, self._quiet.wait())

    async def close(self) -> None:
        """Settle what has ended. What has not stays leased, and is found by the next process."""
        await _within(_LAST_SETTLING, self._settled.wait())
        await self._end_tasks(self._tasks)

    async def _end_tasks(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _within(seconds: float | None, what: Awaitable[object]) -> None:
    """Wait for something, ``seconds`` at most; for ever if that is None."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(what, seconds)
