"""What the layers above use of the events' engine: that of this process, or that of a server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Protocol

from nbfaas.agent.event import Event
from nbfaas.delivery.entry import KeptEvent
from nbfaas.model.delivery import DeadLetter
from nbfaas.triggers.receipt import Receipt
from nbfaas.triggers.targets import FunctionTarget
from nbfaas.triggers.trigger import Trigger


class TriggersPort(Protocol):
    """See ``nbfaas.triggers.registry.Registry``."""

    @property
    def here(self) -> bool: ...

    def __iter__(self) -> Iterator[Trigger]: ...

    def __len__(self) -> int: ...

    def __contains__(self, name: object) -> bool: ...

    def __getitem__(self, name: str) -> Trigger: ...

    def get(self, name: str) -> Trigger | None: ...

    def holds(self, trigger: Trigger) -> bool: ...

    def now(self, trigger: Trigger) -> Trigger: ...


class EventStorePort(Protocol):
    """See ``nbfaas.delivery.store.EventStore``."""

    @property
    def is_open(self) -> bool: ...

    @property
    def waiting(self) -> Mapping[str, int]: ...

    @property
    def backlog(self) -> int: ...

    def oldest(self) -> Mapping[str, float]: ...

    def dead_counts(self) -> Mapping[str, int]: ...

    def dead_letters(self, trigger: str | None = None, limit: int = 100) -> list[DeadLetter]: ...

    def dead_letter(self, number: int) -> DeadLetter | None: ...

    def events(self, ids: Sequence[str]) -> list[KeptEvent]: ...

    def history(self, trigger: str | None = None, limit: int = 100) -> list[KeptEvent]: ...

    def purge(self, numbers: Sequence[int] | None, trigger: str | None = None) -> Future[int]: ...


class EventsPort(Protocol):
    """See ``nbfaas.triggers.engine.EventEngine``."""

    @property
    def store(self) -> EventStorePort: ...

    @property
    def triggers(self) -> TriggersPort: ...

    async def add(
        self,
        trigger: Trigger,
        target: FunctionTarget | None = None,
        followers: Sequence[tuple[Trigger, FunctionTarget | None]] = (),
    ) -> None: ...

    async def remove(self, name: str) -> None: ...

    async def pause(self, name: str) -> None: ...

    async def resume(self, name: str) -> None: ...

    async def accept(self, events: Sequence[Event], *, to: Sequence[str] = ()) -> list[Receipt]: ...

    async def drain(self, within: float) -> bool: ...

    async def redrive(self, numbers: Sequence[int] | None, trigger: str | None) -> int: ...
