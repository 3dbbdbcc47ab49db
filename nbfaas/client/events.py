"""The events' engine of a server, as a notebook that works there uses it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from nbfaas.agent.event import Event
from nbfaas.client.event_link import EventLink
from nbfaas.client.event_store import ServerEventStore
from nbfaas.client.event_triggers import ServerTriggers
from nbfaas.errors.serve import ServerUnreachable
from nbfaas.model.delivery import DeliveryState
from nbfaas.model.records import DeliverySettled, Record
from nbfaas.model.session_events import FunctionRef, NewTrigger, ReceiptTold
from nbfaas.triggers.queue_source import QueueSource
from nbfaas.triggers.receipt import Receipt
from nbfaas.triggers.targets import FunctionTarget
from nbfaas.triggers.trigger import URL, Trigger

Refer = Callable[[FunctionTarget], Awaitable[FunctionRef]]


class ServerEvents:
    """What the layers above ask of an ``EventEngine``. ``refer`` says what a function is there, and
    brings it there if need be; ``notify`` tells the user. Coroutines raise what they raise there,
    and ``ServerError``."""

    def __init__(self, link: EventLink, refer: Refer, notify: Callable[[str], None]) -> None:
        self.store = ServerEventStore(link)
        self.triggers = ServerTriggers(link)
        self._link = link
        self._refer = refer
        self._notify = notify
        self._known_to_fail: set[str] = set()  # triggers whose first dead letter was told of

    def __repr__(self) -> str:
        return f"<ServerEvents of {self._link!r}>"

    async def add(
        self,
        trigger: Trigger,
        target: FunctionTarget | None = None,
        followers: Sequence[tuple[Trigger, FunctionTarget | None]] = (),
    ) -> None:
        """Have the server make the trigger, with those of its destinations. It goes with this
        notebook's session. Raises ``BadTrigger`` if its name, or its HTTP route, is another's."""
        assert trigger.spec is not None
        assert target is not None
        maker = secrets.token_hex(8)
        source = trigger.source
        given = NewTrigger(
            trigger.spec,
            maker,
            await self._refer(target),
            {
                function.name: await self._refer(function)
                for _, function in followers
                if function is not None
            },
            source.url if isinstance(source, QueueSource) and trigger.spec.secret else None,
            {
                follower.name: follower.target.removeprefix(URL)
                for follower, function in followers
                if function is None
            },
        )
        await self._tell("add", given)
        self.triggers.made(trigger, maker)

    async def remove(self, name: str) -> None:
        """Raises ``UnknownTrigger``; ``BadTrigger`` if it was not made by this notebook."""
        await self._tell("remove", {"name": name})
        self.triggers.removed(name)

    async def pause(self, name: str) -> None:
        await self._tell("pause", {"name": name})

    async def resume(self, name: str) -> None:
        await self._tell("resume", {"name": name})

    async def accept(self, events: Sequence[Event], *, to: Sequence[str] = ()) -> list[Receipt]:
        """Accept events, all or none; durable there when it returns. Raises ``IntakeFull``,
        ``EventConflict``, ``UnknownTrigger``, ``EventStoreError``. With ``ServerUnreachable`` they
        may have been accepted."""
        body = {"events": [each.to_dict() for each in events], "to": list(to)}
        try:
            told = await self._tell("accept", body)
        except ServerUnreachable as error:
            error.add_note("The event may have been accepted: emit it again, with the same id.")
            raise
        receipts = msgspec.convert(told, list[ReceiptTold])
        return [
            Receipt(event, each.triggers, each.duplicate)
            for event, each in zip(events, receipts, strict=True)
        ]

    async def drain(self, within: float) -> bool:
        """Wait until nothing waits for the server's triggers, and nothing is under way."""
        end = time.monotonic() + within
        while True:
            left = max(0.0, end - time.monotonic())
            if await self._tell("drain", {"within": left}):
                return True
            if time.monotonic() >= end:
                return False

    async def redrive(self, numbers: Sequence[int] | None, trigger: str | None) -> int:
        if numbers is None and trigger is not None:
            self._known_to_fail.discard(trigger)
        else:
            self._known_to_fail.clear()
        which = {"numbers": None if numbers is None else list(numbers), "trigger": trigger}
        return int(await self._tell("redrive", which))

    def take(self, record: Record) -> None:
        """A record of the server: the first dead letter of each trigger made here is told. Does
        not block."""
        if not isinstance(record, DeliverySettled) or record.state is not DeliveryState.DEAD:
            return
        name = record.trigger
        if self.triggers.is_own(name) and name not in self._known_to_fail:
            self._known_to_fail.add(name)
            error = f": {record.error}" if record.error else ""
            self._notify(f"trigger {name!r} has a dead letter{error}. %faas dlq lists them.")

    async def _tell(self, what: str, body: Any) -> Any:
        return await asyncio.to_thread(self._link.tell, what, body)


class ServerMetrics:
    """The server's metrics: what all that work there have done."""

    def __init__(self, link: EventLink) -> None:
        self._link = link

    def __repr__(self) -> str:
        return f"<ServerMetrics of {self._link!r}>"

    def snapshot(self) -> dict[str, Any]:
        """As that of ``nbfaas.metrics.registry.Metrics``."""
        found: dict[str, Any] = self._link.ask("metrics")
        return found
