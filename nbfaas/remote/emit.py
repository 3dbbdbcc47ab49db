"""``emit``: an event for the bus."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nbfaas.agent.event import Event
from nbfaas.service import get_service
from nbfaas.triggers.receipt import Receipt


class Emitter:
    """``emit(type, data, …)``; ``await emit.aio(type, data, …)`` inside coroutines."""

    def __call__(
        self,
        type: str | Event,  # noqa: A002 - the attribute's name in CloudEvents
        data: Any = None,
        *,
        source: str = "nbfaas",
        subject: str | None = None,
        id: str | None = None,  # noqa: A002
        time: datetime | str | None = None,
        **extensions: str | int | bool,
    ) -> Receipt:
        """Put an event on the bus, and wait until it is durable: from then on it is delivered to
        every trigger whose pattern matches it, also if this process is killed.

        Takes an ``Event``, or the attributes of one; further keywords are extension attributes.
        Raises ``BadEvent``, ``IntakeFull``, ``EventConflict`` and ``EventStoreError``; then it was
        not accepted.
        """
        service = get_service()
        event = _event(type, data, source, subject, id, time, extensions)
        return service.run(service.events.accept([event]))[0]

    async def aio(self, type: str | Event, data: Any = None, **attributes: Any) -> Receipt:  # noqa: A002
        """The same, without blocking the event loop that awaits it."""
        import asyncio

        return await asyncio.to_thread(self, type, data, **attributes)

    def __repr__(self) -> str:
        return "<nbfaas.emit(type, data, source=…, subject=…, id=…)>"


def _event(
    kind: str | Event,
    data: Any,
    source: str,
    subject: str | None,
    event_id: str | None,
    time: datetime | str | None,
    extensions: dict[str, str | int | bool],
) -> Event:
    if isinstance(kind, Event):
        return kind
    return Event(
        kind, data, source=source, subject=subject, id=event_id, time=time, extensions=extensions
    )


emit = Emitter()
