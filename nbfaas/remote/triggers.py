"""Triggers as the user holds them: ``nbfaas.triggers``."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from nbfaas.agent.event import Event
from nbfaas.agent.units import format_seconds
from nbfaas.errors import BadTrigger, NbfaasError, UnknownTrigger
from nbfaas.errors.delivery import RouteTaken
from nbfaas.model.delivery import DeliveryPolicy
from nbfaas.model.url import without_credentials
from nbfaas.remote.cells import cell_triggers
from nbfaas.remote.function import RemoteFunction
from nbfaas.remote.trigger_options import Destination, TriggerOptions
from nbfaas.remote.trigger_specs import is_recording_only
from nbfaas.rules import Explanation, Pattern
from nbfaas.service import Place, current_service, get_service
from nbfaas.triggers.port import EventsPort
from nbfaas.triggers.receipt import Receipt
from nbfaas.triggers.targets import FunctionTarget
from nbfaas.triggers.trigger import FUNCTION, URL, Destinations, Trigger, TriggerState

_DESTINATION = "destination"
_REPLACED_WITHIN = 1.0  # seconds


class TriggerHandle:
    """One trigger: look at it, pause, resume, remove it, or fire it by hand."""

    def __init__(self, trigger: Trigger, service: Place) -> None:
        self._trigger = trigger
        self._service = service

    @property
    def name(self) -> str:
        return self._trigger.name

    @property
    def kind(self) -> str:
        """schedule, file, http, queue, event, or destination."""
        return self._trigger.kind

    @property
    def target(self) -> str:
        """The name of its function, or the URL it leads to."""
        return self._trigger.target_name

    @property
    def shown(self) -> str:
        """What it waits for, in words: a pattern, a schedule, a path."""
        return self._trigger.shown

    @property
    def pattern(self) -> Pattern | None:
        """Its rule, if it takes events from the bus."""
        return self._trigger.pattern

    @property
    def state(self) -> TriggerState:
        """ACTIVE, PAUSED, or FAILING (its source raised, see ``problem``)."""
        return self._now().state

    @property
    def problem(self) -> str | None:
        """What its source raised last, or what it waits for now, such as a missing folder."""
        trigger = self._now()
        return trigger.problem or (None if trigger.source is None else trigger.source.problem)

    @property
    def policy(self) -> DeliveryPolicy:
        """How often, and for how long, an event is delivered until it is a dead letter."""
        return self._trigger.policy

    @property
    def waiting(self) -> int:
        """How many events wait to be delivered."""
        return self._service.events.store.waiting.get(self.name, 0)

    def pause(self) -> None:
        """Stop its source, and begin no more attempts. Events that match it meanwhile are accepted,
        and wait."""
        self._service.run(self._service.events.pause(self.name))

    def resume(self) -> None:
        self._service.run(self._service.events.resume(self.name))

    def remove(self) -> None:
        """What waits for it stays until a trigger of this name is there again."""
        self._service.run(self._service.events.remove(self.name))

    def fire(self, data: Any = None, **attributes: Any) -> Receipt:
        """Have it deliver an event made by hand, whatever its rule. Without ``data`` that of a
        schedule has what a run of this moment would have. ``attributes`` are those of ``Event``;
        raises what ``nbfaas.emit`` raises."""
        if data is None and self._trigger.source is not None:
            data = self._trigger.source.data_by_hand()
        event = data if isinstance(data, Event) else Event(
            attributes.pop("type", "nbfaas.manual"), data, **attributes
        )  # fmt: skip
        accepting = self._service.events.accept([event], to=[self.name])
        return self._service.run(accepting)[0]

    def explain(self, event: Event) -> Explanation:
        """Which leaves of its pattern match the event."""
        if self._trigger.pattern is None:
            wanted = "it has no pattern; only triggers of on.event have one"
            raise BadTrigger(self.kind, "pattern", None, wanted)
        return self._trigger.pattern.explain(event.to_dict())

    def next_runs(self, n: int = 5) -> list[datetime]:
        """When a schedule will fire next."""
        from nbfaas.triggers.schedule import ScheduleSource

        if not isinstance(self._trigger.source, ScheduleSource):
            raise BadTrigger(self.kind, "n", n, "only schedules have next runs")
        return self._trigger.source.next_runs(n)

    def _now(self) -> Trigger:
        return self._service.events.triggers.now(self._trigger)

    def __repr__(self) -> str:
        text = f"<Trigger {self.name}: {self.kind} {self.shown} → {self.target}, {self.state}"
        if self.waiting:
            text += f", {self.waiting:,} waiting"
        problem = self.problem
        return f"{text}: {problem}>" if problem else f"{text}>"


class TriggerList:
    """The triggers of this process, by name."""

    def __iter__(self) -> Iterator[TriggerHandle]:
        engine = _engine()
        if engine is None:
            return iter(())
        service = get_service()
        return iter([TriggerHandle(trigger, service) for trigger in list(engine.triggers)])

    def __len__(self) -> int:
        engine = _engine()
        return 0 if engine is None else len(engine.triggers)

    def __getitem__(self, name: str) -> TriggerHandle:
        """Raises ``UnknownTrigger``."""
        engine = _engine()
        if engine is None:
            raise UnknownTrigger(name, [])
        return TriggerHandle(engine.triggers[name], get_service())

    def __contains__(self, name: object) -> bool:
        engine = _engine()
        return engine is not None and name in engine.triggers

    def forget(self, name: str) -> int:
        """Forget what waits for the trigger of this name, for ever; it may be one that is not
        there any more. Returns how many events. Raises ``UnknownTrigger``."""
        store = get_service().events.store
        if name not in self and not store.waiting.get(name):
            raise UnknownTrigger(name, sorted({each.name for each in self} | set(store.waiting)))
        return store.forget(name).result()

    def drain(self, timeout: float = 60.0) -> bool:
        """Wait until every event that was accepted for these triggers is delivered or a dead
        letter. False: not within ``timeout`` seconds."""
        service = get_service()
        return service.run(service.events.drain(timeout))

    def __repr__(self) -> str:
        if not len(self):
            return "no triggers; decorate a function with @on.event(…), @on.schedule(…), …"
        return "\n".join(map(repr, self))


triggers = TriggerList()


def oldest_age(service: Place, name: str) -> str:
    """How long the oldest event of a trigger has waited, in words."""
    accepted = service.events.store.oldest().get(name)
    return "–" if accepted is None else format_seconds(max(0.0, time.time() - accepted))


def add_trigger(
    trigger: Trigger, function: RemoteFunction[Any, Any], options: TriggerOptions
) -> None:
    """Register it, and the triggers of its destinations; all or none. Raises ``BadTrigger`` if
    another function's trigger has its name, or its HTTP route."""
    service = get_service()
    engine = service.events
    there = engine.triggers.get(trigger.name)
    if there is not None and (there.target != trigger.target or there.kind == _DESTINATION):
        if not cell_triggers.give_way(there):
            at = "" if service.server is None else f" on {service.server}"
            its_own = "" if service.server is None else ", if it is this notebook's"
            wanted = (
                f"a trigger of {there.target_name!r} has this name{at}; choose another with "
                f"name=…, or remove that one{its_own}: %faas triggers remove {there.name}"
            )
            raise BadTrigger(trigger.kind, "name", trigger.name, wanted)
        service.run(engine.remove(there.name))
    followers: list[tuple[Trigger, FunctionTarget | None]] = []
    trigger.destinations = Destinations(
        *_destination(engine, trigger, "on_success", options.on_success, followers),
        *_destination(engine, trigger, "on_failure", options.on_failure, followers),
    )
    function.triggers.append(trigger)  # before: Ctrl-C may come while it is registered
    try:
        _add(service, engine, trigger, function, followers)
    except NbfaasError:
        function.triggers.remove(trigger)
        raise
    cell_triggers.note(trigger)


def _add(
    service: Place,
    engine: EventsPort,
    trigger: Trigger,
    function: RemoteFunction[Any, Any],
    followers: Sequence[tuple[Trigger, FunctionTarget | None]],
) -> None:
    try:
        service.run(engine.add(trigger, function, followers))
    except RouteTaken as taken:
        there = engine.triggers.get(taken.trigger)
        if there is None or not cell_triggers.give_way(there):
            raise
        service.run(engine.remove(there.name))
        service.run(engine.add(trigger, function, followers))


def next_name(function: RemoteFunction[Any, Any], kind: str) -> str:
    """``score-schedule``, ``score-schedule-2``: the same each time the cell is run."""
    name = f"{function.name}-{kind}"
    engine = _engine()
    taken = {
        trigger.name
        for trigger in function.triggers
        if is_recording_only() or (engine is not None and engine.triggers.holds(trigger))
    }
    number = 1
    while name in taken:
        number += 1
        name = f"{function.name}-{kind}-{number}"
    return name


def retire_triggers(retired: Sequence[Trigger]) -> None:
    """Remove those that nothing has taken the place of, once a cell that defines a function anew
    has had the time to do so: in between, an event must find them."""
    service = current_service()
    engine = _engine()
    if service is None or engine is None:
        return

    def remove() -> None:
        gone = [each for each in retired if engine.triggers.holds(each)]
        asyncio.get_running_loop().create_task(_remove(engine, gone), name="nbfaas-retire")

    service.call_later(_REPLACED_WITHIN, remove)


async def _remove(engine: EventsPort, gone: Sequence[Trigger]) -> None:
    for trigger in gone:
        if engine.triggers.holds(trigger):
            with contextlib.suppress(NbfaasError):  # a server may be gone, and they with it
                await engine.remove(trigger.name)


def _destination(
    engine: EventsPort,
    trigger: Trigger,
    option: str,
    to: Destination,
    followers: list[tuple[Trigger, FunctionTarget | None]],
) -> tuple[str | None, str | None]:
    """The trigger, put to the ``followers``, and the type of event that a destination stands
    for."""
    if to is None or (isinstance(to, str) and "://" not in to):
        return None, to
    name = f"{trigger.name}.{option}"
    there = engine.triggers.get(name)
    if there is not None and there.kind != _DESTINATION:
        wanted = f"a trigger has the name {name!r}, which the destination's has to have; rename it"
        shown = without_credentials(to) if isinstance(to, str) else to
        raise BadTrigger(trigger.kind, option, shown, wanted)
    target = URL + to if isinstance(to, str) else FUNCTION + to.name
    follower = Trigger(name, _DESTINATION, target, f"{option} of {trigger.name}",
                       policy=trigger.policy)  # fmt: skip
    followers.append((follower, None if isinstance(to, str) else to))
    return name, None


def _engine() -> EventsPort | None:
    service = current_service()
    return None if service is None else service.events_if_open
