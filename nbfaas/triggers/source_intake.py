"""The engine's intake, as each source has one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from nbfaas.agent.event import Event
from nbfaas.errors.delivery import IntakeFull
from nbfaas.triggers.trigger import Trigger

if TYPE_CHECKING:
    from nbfaas.triggers.engine import EventEngine

_FULL_PAUSE = 0.25  # seconds a source waits before it looks whether the queue has room again


class SourceIntake:
    """The intake of one trigger's source: see ``nbfaas.triggers.source.Intake``."""

    def __init__(self, engine: EventEngine, trigger: Trigger) -> None:
        self._engine = engine
        self._trigger = trigger

    def __repr__(self) -> str:
        return f"<SourceIntake of {self._trigger.name}>"

    async def accept(
        self, events: Sequence[Event], *, state: Mapping[str, Any] | None = None
    ) -> None:
        encoded = None if state is None else msgspec.json.encode(state)
        while True:
            try:
                await self._engine.accept(
                    events,
                    to=[self._trigger.name],
                    source_key=self._trigger.name,
                    state=encoded,
                    cut=True,
                )
                return
            except IntakeFull:
                await asyncio.sleep(_FULL_PAUSE)

    @property
    def state(self) -> Mapping[str, Any] | None:
        encoded = self._engine.store.state_of(self._trigger.name)
        return None if encoded is None else msgspec.json.decode(encoded, type=dict[str, Any])
