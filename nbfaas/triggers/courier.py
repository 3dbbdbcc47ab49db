"""The courier: makes attempts, by running a function or by sending the event to a URL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import msgspec

from nbfaas.agent.event import BadEvent, Event
from nbfaas.delivery.deliverer import AttemptEnd, Ended
from nbfaas.delivery.retrying import Verdict
from nbfaas.dispatch.invocation import Invocation, event_invocation
from nbfaas.dispatch.settling import describe
from nbfaas.errors import (
    BindingError,
    ChainTooLong,
    EventTooLarge,
    InsufficientResources,
    NbfaasError,
    PackagingError,
    ResultNotJson,
    UntrustedResult,
    VolumeError,
)
from nbfaas.model.delivery import Delivery, Incoming
from nbfaas.model.function import FunctionVersion
from nbfaas.model.invocation import InvocationState
from nbfaas.model.records import DeliveryAttempted, Subscriber
from nbfaas.triggers.chains import event_of, failure_event, success_event
from nbfaas.triggers.incoming import too_large
from nbfaas.triggers.registry import Registry
from nbfaas.triggers.targets import FunctionTarget, SplitTarget
from nbfaas.triggers.trigger import FUNCTION, URL, Destinations, Trigger
from nbfaas.triggers.urls import UrlSender

# Trying again can't change these: the same code meets the same event.
PERMANENT = (
    PackagingError,
    BindingError,
    UntrustedResult,
    ResultNotJson,
    ChainTooLong,
    EventTooLarge,
    VolumeError,
    InsufficientResources,
)

Submit = Callable[[list[Invocation]], None]
Route = Callable[[Event, Sequence[str]], Incoming]


class _Named(msgspec.Struct):
    id: str
    nbfaasleftout: Any = None  # see ``LEFT_OUT``


_read_named = msgspec.json.Decoder(_Named)


def _always(version: FunctionVersion) -> Callable[[str], FunctionVersion]:
    return lambda _: version


def _hopeless(delivery: Delivery, named: _Named, limit: int) -> NbfaasError | None:
    """Why it can't be delivered at all; None: it can."""
    if delivery.depth > limit:
        return ChainTooLong(delivery.trigger, delivery.depth, limit)
    if named.nbfaasleftout is not None:
        return too_large(named.id, named.nbfaasleftout)
    return None


class TriggerCourier:
    """``submit`` hands invocations to the dispatcher, ``route`` finds out where an event leads."""

    def __init__(
        self,
        registry: Registry,
        targets: Mapping[str, FunctionTarget],
        *,
        submit: Submit,
        route: Route,
        new_id: Callable[[], str],
        publish: Subscriber,
        max_chain: Callable[[], int],
    ) -> None:
        self._registry = registry
        self._targets = targets
        self._submit = submit
        self._route = route
        self._new_id = new_id
        self._publish = publish
        self._max_chain = max_chain
        self._loop = asyncio.get_running_loop()
        self._urls = UrlSender()
        self._tasks: set[asyncio.Task[None]] = set()
        self.closing = False

    def __repr__(self) -> str:
        return f"<TriggerCourier to {len(self._targets)} functions>"

    def attempt(self, deliveries: Sequence[Delivery], ended: Callable[[Delivery], Ended]) -> None:
        """Where their triggers lead now, whatever the function or URL was when they were
        accepted."""
        batches: dict[str, list[Delivery]] = {}
        for delivery in deliveries:
            trigger = self._registry.get(delivery.trigger)
            if trigger is None:  # it was removed this very moment
                ended(delivery)(AttemptEnd("its trigger is gone", interrupted=True))
            else:
                batches.setdefault(trigger.target, []).append(delivery)
        for target, batch in batches.items():
            if not target.startswith(FUNCTION):
                for delivery in batch:
                    sending = self._send(delivery, target.removeprefix(URL), ended(delivery))
                    self._spawn(sending, [delivery], ended)
                continue
            function = self._targets.get(target.removeprefix(FUNCTION))
            try:
                version = None if function is None else function.current_version()
            except Exception:  # noqa: BLE001 - what it refers to is the user's; packaging will tell
                version = None
            if isinstance(function, SplitTarget):
                self._invoke(batch, function.version_for, ended)
            elif version is not None:
                self._invoke(batch, _always(version), ended)
            elif function is not None:
                self._spawn(self._package_and_invoke(function, batch, ended), batch, ended)
            else:
                for delivery in batch:
                    ended(delivery)(AttemptEnd("its function is gone"))

    def _spawn(
        self,
        coroutine: Coroutine[Any, Any, None],
        batch: Sequence[Delivery],
        ended: Callable[[Delivery], Ended],
    ) -> None:
        """Run it. If it is cancelled, the attempts of the ``batch`` are to be made again; if it
        raises, they have failed: however it ends, somebody is told."""
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if task.cancelled():
                end = AttemptEnd("nbfaas was closed", interrupted=True)
            elif (error := task.exception()) is not None:
                end = AttemptEnd(describe(error))
            else:
                return
            for delivery in batch:
                ended(delivery)(end)

        task.add_done_callback(done)

    # -- functions

    async def _package_and_invoke(
        self,
        function: FunctionTarget,
        batch: list[Delivery],
        ended: Callable[[Delivery], Ended],
    ) -> None:
        try:
            version = await asyncio.to_thread(function.version)
        except Exception as error:  # noqa: BLE001 - whatever packaging meets, it is the outcome
            for delivery in batch:
                self._end(delivery, ended(delivery), error)
            return
        self._invoke(batch, _always(version), ended)

    def _invoke(
        self,
        batch: Sequence[Delivery],
        version_for: Callable[[str], FunctionVersion],
        ended: Callable[[Delivery], Ended],
    ) -> None:
        limit = self._max_chain()
        invocations = []
        for delivery in batch:
            named = _read_named.decode(delivery.body)  # without making all of it
            if (error := _hopeless(delivery, named, limit)) is not None:
                self._end(delivery, ended(delivery), error)
                continue
            event_id = named.id
            invocation = event_invocation(
                self._new_id(),
                version_for(event_id),
                delivery.body,
                attempt=delivery.attempt,
                trigger=delivery.trigger,
                queued_at=time.time(),
            )
            invocation.listener = self._listener(delivery, ended(delivery))
            self._tell(delivery, event_id, invocation.id)
            invocations.append(invocation)
        if invocations:
            self._submit(invocations)

    def _tell(self, delivery: Delivery, event_id: str, invocation_id: str | None) -> None:
        trigger = self._registry.get(delivery.trigger)
        self._publish(
            DeliveryAttempted(
                time.time(),
                delivery.number,
                delivery.trigger,
                delivery.attempt,
                invocation_id,
                event_id,
                kind="" if trigger is None else trigger.kind,
            )
        )

    def _listener(self, delivery: Delivery, ended: Ended) -> Callable[[Invocation], None]:
        def settled(invocation: Invocation) -> None:
            self._end(delivery, ended, invocation.error, invocation)

        return settled

    def _end(
        self,
        delivery: Delivery,
        ended: Ended,
        error: BaseException | None,
        invocation: Invocation | None = None,
    ) -> None:
        try:
            end = self._end_of(delivery, error, invocation)
        except Exception as problem:  # noqa: BLE001 - else the attempt would never end
            end = AttemptEnd(f"what it leads to could not be told: {describe(problem)}")
        ended(end)

    def _end_of(
        self, delivery: Delivery, error: BaseException | None, invocation: Invocation | None
    ) -> AttemptEnd:
        facts: dict[str, Any] = {}
        if invocation is not None:
            facts["invocation"] = invocation.id
            if invocation.attempts:
                stats = invocation.attempts[-1]
                facts.update(sandbox=stats.sandbox, wall=stats.wall)
        cancelled = invocation is not None and invocation.state is InvocationState.CANCELLED
        if cancelled and self.closing:
            return AttemptEnd("nbfaas was closed", interrupted=True, **facts)
        trigger = self._registry.get(delivery.trigger)
        passing_on = trigger is not None and bool(trigger.destinations)
        event = event_of(delivery) if passing_on else None
        emits: list[Incoming] = []
        if error is None and trigger is not None and event is not None:
            try:
                value = None if invocation is None else invocation.value
                emits = self._successes(trigger, delivery, event, value)
            except ResultNotJson as problem:
                error = problem
            except BadEvent as problem:
                error = ResultNotJson(trigger.target_name, "a destination", str(problem))
        if error is None:
            return AttemptEnd(emits=lambda _delivery, _verdict: emits, **facts)
        text = describe(error)

        def failures(delivery: Delivery, verdict: Verdict | None) -> list[Incoming]:
            if trigger is None or event is None or verdict is None:
                return []
            return self._failures(trigger, delivery, event, text, verdict)

        permanent = cancelled or isinstance(error, PERMANENT)
        return AttemptEnd(text, permanent=permanent, emits=failures, **facts)

    # -- URLs

    async def _send(self, delivery: Delivery, url: str, ended: Ended) -> None:
        began = time.perf_counter()
        named = _read_named.decode(delivery.body)
        error = _hopeless(delivery, named, self._max_chain())
        if error is None:
            self._tell(delivery, named.id, None)
            error = await self._urls.send(url, delivery.body)
        wall = time.perf_counter() - began
        if error is None:
            ended(AttemptEnd(wall=wall))
        else:
            ended(AttemptEnd(str(error), permanent=isinstance(error, PERMANENT), wall=wall))

    # -- destinations

    def _successes(
        self, trigger: Trigger, delivery: Delivery, event: Event, value: Any
    ) -> list[Incoming]:
        to, kind = trigger.destinations.success_trigger, trigger.destinations.success_type
        if to is None and kind is None:
            return []
        passed_on = success_event(trigger, delivery, event, value, kind)
        return [self._route(passed_on, [to] if to else [])]

    def _failures(
        self, trigger: Trigger, delivery: Delivery, event: Event, error: str, verdict: Verdict
    ) -> list[Incoming]:
        where: Destinations = trigger.destinations
        if not where.of_failure:
            return []
        to = [where.failure_trigger] if where.failure_trigger else []
        given = (trigger, delivery, event, error, verdict, where.failure_type)
        try:
            return [self._route(failure_event(*given), to)]
        except BadEvent:  # with the whole event in it, it is too large
            return [self._route(failure_event(*given, whole=False), to)]

    # -- what dies while it waits

    def triggers(self) -> list[str]:
        return [trigger.name for trigger in self._registry]

    def tells_of_death(self, trigger: str) -> bool:
        there = self._registry.get(trigger)
        return there is not None and there.destinations.of_failure

    def death_events(self, delivery: Delivery, verdict: Verdict) -> list[Incoming]:
        trigger = self._registry.get(delivery.trigger)
        if trigger is None:
            return []
        return self._failures(trigger, delivery, event_of(delivery), verdict.reason, verdict)

    async def close(self) -> None:
        """Cancel what is being sent or packaged, and tell that."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._urls.close()
