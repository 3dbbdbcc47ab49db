"""A small engine behind the gateway: it keeps what it accepts, in memory, and runs functions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from nbfaas.agent.event import Event
from nbfaas.errors.delivery import EventConflict
from nbfaas.gateway import CallResult


@dataclass(frozen=True)
class Receipt:
    event: Event
    triggers: tuple[str, ...]
    duplicate: bool = False


class SmallEngine:
    """Each trigger's function is a coroutine function of the event."""

    def __init__(self) -> None:
        self.accepted: dict[tuple[str, str], Event] = {}
        self.enqueued: list[tuple[str, Event]] = []
        self.called: list[tuple[str, Event, float]] = []
        self.cancelled: list[str] = []
        self.functions: dict[str, Callable[[Event], Awaitable[Any]]] = {}
        self.refuse_with: Exception | None = None
        self.reason: str | None = None

    async def accept(self, event: Event) -> Receipt:
        await asyncio.sleep(0)
        if self.refuse_with is not None:
            raise self.refuse_with
        key = event.source, event.id
        earlier = self.accepted.get(key)
        if earlier is not None and (earlier.type, earlier.data) != (event.type, event.data):
            raise EventConflict(*key)
        self.accepted.setdefault(key, event)
        return Receipt(event, ("on_" + event.type.replace(".", "_"),), earlier is not None)

    async def call(self, trigger: str, event: Event, deadline: float) -> CallResult:
        self.called.append((trigger, event, deadline))
        try:
            return CallResult(await self.functions[trigger](event), f"call-{len(self.called)}")
        except asyncio.CancelledError:
            self.cancelled.append(trigger)
            raise

    async def enqueue(self, trigger: str, event: Event) -> str:
        if self.refuse_with is not None:
            raise self.refuse_with
        self.enqueued.append((trigger, event))
        return event.id

    async def invocation(self, invocation_id: str) -> dict[str, Any] | None:
        known = {event.id: trigger for trigger, event in self.enqueued}
        if invocation_id not in known:
            return None
        return {"id": invocation_id, "trigger": known[invocation_id], "state": "waiting"}

    def not_ready(self) -> str | None:
        return self.reason

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        return b"faas_invocations_total 3\n", "text/plain; version=0.0.4"
