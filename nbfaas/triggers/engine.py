"""The event engine: takes events in, finds whom they concern, and has them delivered.

The same in a notebook and in a server. It lives on the service's loop; what is not a coroutine may
be called on the loop's thread only.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from nbfaas.agent.event import Event
from nbfaas.delivery.deliverer import Deliverer
from nbfaas.delivery.retrying import retry_after
from nbfaas.delivery.store import EventStore
from nbfaas.dispatch.invocation import Invocation
from nbfaas.errors.delivery import EventConflict, EventStoreError, IntakeFull
from nbfaas.model.delivery import (
    Accepted,
    Delivery,
    DeliveryState,
    Incoming,
    Outcome,
    Overdue,
)
from nbfaas.model.records import (
    DeliverySettled,
    EventAccepted,
    EventRefused,
    Subscriber,
)
from nbfaas.settings import Settings
from nbfaas.triggers.acceptor import Acceptor
from nbfaas.triggers.courier import TriggerCourier
from nbfaas.triggers.crowding import Crowding
from nbfaas.triggers.http_source import HttpSource, RouteRegistrar
from nbfaas.triggers.incoming import incoming_of, new_delivery, sized
from nbfaas.triggers.receipt import Receipt
from nbfaas.triggers.registry import Registry
from nbfaas.triggers.source_intake import SourceIntake
from nbfaas.triggers.supervisor import Supervisor
from nbfaas.triggers.targets import FunctionTarget
from nbfaas.triggers.trigger import FUNCTION, Trigger, TriggerState


class EventEngine:
    """``submit`` hands invocations to the dispatcher; ``new_id`` names them."""

    def __init__(
        self,
        store: EventStore,
        settings: Settings,
        *,
        publish: Subscriber,
        notify: Callable[[str], None],
        submit: Callable[[list[Invocation]], None],
        new_id: Callable[[], str],
        routes: RouteRegistrar,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self.triggers = Registry()
        self.targets: dict[str, FunctionTarget] = {}
        self._settings = settings
        self._publish = publish
        self._clock = clock
        self._routes = routes
        self._courier = TriggerCourier(
            self.triggers,
            self.targets,
            submit=submit,
            route=self.incoming,
            new_id=new_id,
            publish=publish,
            max_chain=lambda: settings.max_chain,
        )
        crowding = Crowding(
            asyncio.get_running_loop().time, lambda: store.backlog > settings.max_backlog // 2
        )
        self._deliverer = Deliverer(
            store,
            self._courier,
            self._room,
            crowding,
            observe=self._observe,
            notify=notify,
            clock=clock,
        )
        self._acceptor = Acceptor(store, self._deliverer, crowding)
        self._sources = Supervisor(lambda trigger: SourceIntake(self, trigger), notify)
        # One at a time: a source that is being stopped must not be started meanwhile.
        self._changing = asyncio.Lock()
        self._notify = notify
        self._known_to_fail: set[str] = set()  # triggers whose first dead letter was told of
        self._rate_since = (clock(), 0)
        self.accepts = True
        """Whether events are taken in; not while it closes."""

    def __repr__(self) -> str:
        return f"<EventEngine {len(self.triggers)} triggers, {self.store.backlog} events waiting>"

    def start(self) -> None:
        """Deliver, from now on. Before that, events are accepted and wait."""
        self._deliverer.start()

    # -- triggers

    async def add(
        self,
        trigger: Trigger,
        target: FunctionTarget | None = None,
        followers: Sequence[tuple[Trigger, FunctionTarget | None]] = (),
    ) -> None:
        """Put the trigger in the place of the one with its name, with the ``followers`` that its
        destinations need, and run its source. What is waiting under its name is delivered from now
        on. Raises ``BadTrigger`` if its HTTP route is another trigger's; then nothing is changed.
        """
        async with self._changing:
            if isinstance(trigger.source, HttpSource):
                trigger.source.bind(self._routes, trigger.name)
            for _, its_target in (*followers, (trigger, target)):
                if its_target is not None:
                    self.targets[its_target.name] = its_target
            await self._sources.stop(trigger.name)
            for follower, _ in followers:
                self.triggers.add(follower)
            earlier = self.triggers.add(trigger)
            self._release(earlier)
            for name in () if earlier is None else earlier.destinations.triggers:
                if name not in trigger.destinations.triggers and name in self.triggers:
                    await self._remove(name)
            self._sources.start(trigger)
            self._deliverer.nudge()

    async def remove(self, name: str) -> None:
        """What waits for it stays, until a trigger of that name is there again, or for max_age.
        Raises ``UnknownTrigger``."""
        async with self._changing:
            await self._remove(name)

    async def _remove(self, name: str) -> None:
        trigger = self.triggers[name]
        await self._sources.stop(name)  # first: what it hands in until then must find the trigger
        self.triggers.remove(name)
        self._release(trigger)
        for follower in trigger.destinations.triggers:
            if follower in self.triggers:
                await self._remove(follower)
        if not self.triggers.of_target(trigger.target):
            self.targets.pop(trigger.target.removeprefix(FUNCTION), None)

    async def pause(self, name: str) -> None:
        """Stop its source and begin no more attempts; events that match it are accepted and wait.
        Raises ``UnknownTrigger``."""
        async with self._changing:
            trigger = self.triggers[name]
            trigger.state, trigger.problem = TriggerState.PAUSED, None
            await self._sources.stop(name)

    async def resume(self, name: str) -> None:
        async with self._changing:
            trigger = self.triggers[name]
            if trigger.state is TriggerState.PAUSED:
                trigger.state = TriggerState.ACTIVE
                self._sources.start(trigger)
                self._deliverer.nudge()

    @staticmethod
    def _release(trigger: Trigger | None) -> None:
        if trigger is not None and isinstance(trigger.source, HttpSource):
            trigger.source.release()

    def _room(self) -> Mapping[str, int]:
        return {
            trigger.name: trigger.window
            for trigger in self.triggers
            if trigger.state is not TriggerState.PAUSED
        }

    # -- taking in

    async def accept(
        self,
        events: Sequence[Event],
        *,
        to: Sequence[str] = (),
        source_key: str | None = None,
        state: bytes | None = None,
        cut: bool = False,
    ) -> list[Receipt]:
        """Accept events, all or none; durable when it returns. ``to``: names of triggers they are
        addressed to, whatever their rules. ``cut``: what is too large is kept without its data, and
        becomes a dead letter. Raises ``IntakeFull``, ``EventConflict`` (the others were accepted),
        ``EventStoreError``, and ``BadEvent`` if one is too large."""
        self._check_room(len(events))
        incoming: list[Incoming] = []
        names: list[tuple[str, ...]] = []
        reserved: list[str] = []
        try:
            for event in events:
                as_json = event.to_dict()
                found = self.triggers.matching(as_json, to)
                names.append(tuple(trigger.name for trigger in found))
                kept = sized(event, as_json, cut=cut)
                deliveries = [
                    new_delivery(trigger, kept.event, lease=self._reserved(trigger, reserved))
                    for trigger in found
                ]
                incoming.append(incoming_of(kept, deliveries))
        except BaseException:
            for name in reserved:
                self._deliverer.release(name)
            raise
        try:
            accepted = await self._acceptor.accept(
                incoming, reserved, source_key=source_key, state=state
            )
        except EventStoreError:
            self._publish(EventRefused(self._clock(), "unavailable"))
            raise
        return self._receipts(events, names, accepted)

    def _reserved(self, trigger: Trigger, reserved: list[str]) -> bool:
        """Whether the first attempt may begin at once; then a place is ``reserved`` for it."""
        if trigger.state is TriggerState.PAUSED:
            return False
        if not self._deliverer.free(trigger.name, trigger.window):
            return False
        self._deliverer.reserve(trigger.name)
        reserved.append(trigger.name)
        return True

    def _receipts(
        self, events: Sequence[Event], names: Sequence[tuple[str, ...]], accepted: list[Accepted]
    ) -> list[Receipt]:
        now = self._clock()
        receipts = []
        conflict: EventConflict | None = None
        for event, triggers, each in zip(events, names, accepted, strict=True):
            if each.conflict:
                conflict = conflict or EventConflict(event.source, event.id)
                self._publish(EventRefused(now, "conflict"))
                continue
            self._publish(
                EventAccepted(now, event.id, event.source, event.type, triggers, each.duplicate)
            )
            receipts.append(Receipt(event, triggers, each.duplicate))
        if conflict is not None:
            raise conflict
        return receipts

    def incoming(self, event: Event, to: Sequence[str] = ()) -> Incoming:
        """An event of a destination, as the store takes it in. Raises ``BadEvent`` if it is too
        large."""
        as_json = event.to_dict()
        found = self.triggers.matching(as_json, to)
        kept = sized(event, as_json, cut=False)
        return incoming_of(kept, [new_delivery(trigger, event) for trigger in found])

    def _check_room(self, count: int) -> None:
        waiting, limit = self.store.backlog, self._settings.max_backlog
        if waiting + count <= limit or not waiting:
            return
        self._publish(EventRefused(self._clock(), "full"))
        raise IntakeFull(waiting, limit, retry_after(waiting, limit, self._rate()))

    def _rate(self) -> float:
        """Attempts that end in a second, since about a minute ago."""
        now = self._clock()
        since, count = self._rate_since
        delivered = self._deliverer.delivered
        if now - since > 60:
            self._rate_since = (now, delivered)
        return (delivered - count) / max(1.0, now - since)

    # -- delivering

    def _observe(self, delivery: Delivery | Overdue, outcome: Outcome) -> None:
        age = outcome.at - delivery.accepted_at
        self._publish(
            DeliverySettled(
                outcome.at,
                delivery.number,
                delivery.trigger,
                outcome.state,
                delivery.attempt,
                outcome.error or outcome.reason,
                age,
            )
        )
        if outcome.state is DeliveryState.DEAD:
            self._tell_of_dead(delivery.trigger, outcome)
        for emitted in outcome.emits:  # accepted in the transaction that has settled it
            kind = msgspec.json.decode(emitted.body, type=_Typed).type
            names = tuple(new.trigger for new in emitted.deliveries)
            self._publish(EventAccepted(outcome.at, emitted.id, emitted.source, kind, names))

    def _tell_of_dead(self, name: str, outcome: Outcome) -> None:
        """Once for each trigger, until letters of it are redriven."""
        if name not in self._known_to_fail:
            self._known_to_fail.add(name)
            error = f" ({outcome.error})" if outcome.error else ""
            self._notify(
                f"trigger {name!r} has a dead letter: {outcome.reason}{error}. "
                "%faas dlq lists them."
            )

    async def drain(self, within: float) -> bool:
        """Wait until nothing waits for the triggers there are, and nothing is under way. False: not
        ``within`` so many seconds."""
        deadline = asyncio.get_running_loop().time() + within
        while True:
            waiting = sum(self.store.waiting.get(name, 0) for name in self._room())
            if not waiting and self._deliverer.is_idle:
                return True
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.01)

    async def redrive(self, numbers: Sequence[int] | None, trigger: str | None) -> int:
        """Have dead letters delivered again: see ``EventStore.redrive``. Those of the same triggers
        that die then are told of anew, as is what ``on_failure`` leads to."""
        if numbers is not None:
            kept = [await asyncio.to_thread(self.store.delivery, number) for number in numbers]
            self._known_to_fail -= {each.trigger for each in kept if each is not None}
        elif trigger is not None:
            self._known_to_fail.discard(trigger)
        else:
            self._known_to_fail.clear()
        count = await asyncio.wrap_future(self.store.redrive(numbers, trigger))
        self._deliverer.nudge()
        return count

    # -- the end

    async def stop(self, grace: float) -> None:
        """Take nothing more in, begin nothing more, and wait for what is under way."""
        self.accepts = False
        self._courier.closing = True
        await self._sources.close()
        await self._deliverer.stop(grace)

    async def close(self) -> None:
        """Settle what has ended, and let go of the store. After ``stop``."""
        await self._courier.close()
        await self._deliverer.close()
        await asyncio.to_thread(self.store.close)


class _Typed(msgspec.Struct):
    """What has to be known of an event's JSON."""

    type: str
