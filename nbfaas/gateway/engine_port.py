"""The gateway's port to the engine of this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nbfaas.agent.event import Event
from nbfaas.delivery.entry import KeptDelivery
from nbfaas.dispatch.dispatcher import Dispatcher
from nbfaas.dispatch.invocation import Invocation, event_invocation
from nbfaas.errors import DeadlinePassed, GatewayError, NoCapacity, SandboxLost
from nbfaas.gateway.port import CallResult
from nbfaas.metrics.registry import Metrics
from nbfaas.model.function import FunctionVersion
from nbfaas.model.invocation import InvocationState
from nbfaas.triggers.engine import EventEngine
from nbfaas.triggers.receipt import Receipt
from nbfaas.triggers.targets import SplitTarget
from nbfaas.triggers.trigger import FUNCTION

if TYPE_CHECKING:
    from nbfaas.journal import Journal


class EnginePort:
    """See ``nbfaas.gateway.port.GatewayPort``."""

    def __init__(
        self,
        engine: EventEngine,
        dispatcher: Dispatcher,
        new_id: Callable[[], str],
        journal: Callable[[], Journal | None],
        metrics: Callable[[], Metrics],
    ) -> None:
        self._engine = engine
        self._dispatcher = dispatcher
        self._new_id = new_id
        self._journal = journal
        self._metrics = metrics

    def __repr__(self) -> str:
        return f"<EnginePort to {self._engine!r}>"

    async def accept(self, event: Event) -> Receipt:
        return (await self._engine.accept([event]))[0]

    async def call(
        self, trigger: str, event: Event, deadline: float, version: FunctionVersion | None = None
    ) -> CallResult:
        """``version``: the one to run; by default the present one of the trigger's function."""
        found = self._engine.triggers[trigger]
        if version is None:
            version = await self._version(found.target.removeprefix(FUNCTION), event.id)
        body = event.to_json() if found.transformer is None else event.replace(
            data=found.transformer.apply(event.to_dict())
        ).to_json()  # fmt: skip
        invocation = event_invocation(
            self._new_id(),
            version,
            body,
            attempt=1,
            trigger=trigger,
            queued_at=time.time(),
            deadline=time.time() + deadline,
        )
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        invocation.listener = lambda _: None if ended.done() else ended.set_result(None)
        self._dispatcher.submit([invocation])
        try:
            async with asyncio.timeout(deadline):
                await ended
        except TimeoutError:
            raise _too_late(invocation, trigger, deadline) from None
        finally:
            if not invocation.settled:
                self._dispatcher.cancel([invocation])
        if invocation.error is not None:
            if invocation.state is InvocationState.CANCELLED:
                raise SandboxLost(version.name, "its sandbox", "the invocation was cancelled")
            raise invocation.error
        return CallResult(invocation.value, invocation.id)

    async def _version(self, name: str, event_id: str) -> FunctionVersion:
        target = self._engine.targets[name]
        if isinstance(target, SplitTarget):
            return target.version_for(event_id)
        version = target.current_version()
        return version if version is not None else await asyncio.to_thread(target.version)

    async def enqueue(self, trigger: str, event: Event) -> str:
        await self._engine.accept([event], to=[trigger])
        return event.id

    async def invocation(self, invocation_id: str) -> Mapping[str, Any] | None:
        return await asyncio.to_thread(self._look_up, invocation_id)

    def _look_up(self, invocation_id: str) -> Mapping[str, Any] | None:
        """An event's deliveries, by its id; else the invocation with this id."""
        found = self._engine.store.deliveries_of(invocation_id)
        if found:
            return {"id": invocation_id, "deliveries": [_told(each) for each in found]}
        journal = self._journal()
        if journal is None:
            return None
        journal.flush()
        entry = journal.find(invocation_id)
        if entry is None:
            return None
        return {
            "id": entry.id,
            "function": entry.function,
            "version": entry.version,
            "state": str(entry.state),
            "attempts": entry.attempts,
            "error": entry.error,
        }

    def not_ready(self) -> str | None:
        return None if self._engine.accepts else "events are not taken in any more"

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        return await asyncio.to_thread(self._metrics().render, accept)


def _told(kept: KeptDelivery) -> Mapping[str, Any]:
    return {
        "trigger": kept.trigger,
        "state": str(kept.state),
        "reason": kept.reason,
        "attempts": [
            {
                "attempt": each.attempt,
                "state": each.state,
                "began_at": each.began_at,
                "ended_at": each.ended_at,
                "invocation": each.invocation,
                "error": each.error,
            }
            for each in kept.attempts
        ],
    }


def _too_late(invocation: Invocation, trigger: str, deadline: float) -> GatewayError:
    if invocation.attempts_made:
        return DeadlinePassed(trigger, deadline)
    return NoCapacity(trigger, deadline)
