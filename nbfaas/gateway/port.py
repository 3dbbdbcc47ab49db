"""What the gateway needs of the engine behind it. It knows nothing of notebooks or functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from nbfaas.agent.event import Event


class EventReceipt(Protocol):
    """An event that was accepted; ``nbfaas.triggers.receipt.Receipt`` is one."""

    @property
    def event(self) -> Event: ...

    @property
    def triggers(self) -> tuple[str, ...]:
        """The names of the triggers that matched."""
        ...

    @property
    def duplicate(self) -> bool:
        """It had been accepted before; nothing is delivered again."""
        ...


@dataclass(frozen=True, slots=True)
class CallResult:
    """What a function returned: a JSON value, or bytes. ``invocation``: the id of its invocation,
    which the response names in ``nbfaas-invocation-id``."""

    value: Any
    invocation: str | None = None


class GatewayPort(Protocol):
    """All of it is called on the loop that the gateway runs on.

    When a client goes away, or the gateway closes, the coroutine that serves it is cancelled.
    """

    async def accept(self, event: Event) -> EventReceipt:
        """Accept an event for the bus; returns once it is durable. Raises ``IntakeFull``,
        ``EventConflict``, ``EventStoreError``; then it was not accepted. Cancelled, it may have
        been: nobody was told so."""
        ...

    async def call(self, trigger: str, event: Event, deadline: float) -> CallResult:
        """Run the trigger's function and wait for its result, ``deadline`` seconds at most.

        Raises ``NoCapacity`` (not started by then), ``DeadlinePassed`` (started, and now
        cancelled), ``FunctionTimeout``, ``IntakeFull``; else what the function itself raised, or
        how it ended. Cancelled, it cancels the invocation.
        """
        ...

    async def enqueue(self, trigger: str, event: Event) -> str:
        """Accept an event for this trigger; returns, once it is durable, the id to ask
        ``invocation`` for. The same event again has the same id. Raises as ``accept`` does."""
        ...

    async def invocation(self, invocation_id: str) -> Mapping[str, Any] | None:
        """What is known of it, as JSON; None if there is none with this id."""
        ...

    def not_ready(self) -> str | None:
        """Why no requests should be sent here now; None if they may be."""
        ...

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        """The metrics in a form that the ``Accept`` header names, and their media type."""
        ...
