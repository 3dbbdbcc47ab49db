"""Intakes for tests of sources: they keep what they accept, across restarts of a source."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from nbfaas.agent.event import Event
from nbfaas.delivery.store import EventStore
from nbfaas.errors.delivery import EventConflict
from nbfaas.model.delivery import Accepted, Incoming
from nbfaas.triggers.chains import digest


async def nothing() -> None:
    """What is done before and after, usually."""


class KeptIntake:
    """As the engine's, in memory: what was there before has no effect.

    ``before`` and ``after`` are awaited around the moment at which a call takes effect, with the
    events of the call in ``current``: tests let them wait, fail or hang there.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []  # in the order of their acceptance, each once
        self.states: list[str] = []  # as JSON
        self.before: Callable[[], Awaitable[object]] = nothing
        self.after: Callable[[], Awaitable[object]] = nothing
        self.current: Sequence[Event] = ()
        self._digests: dict[tuple[str, str], bytes] = {}

    async def accept(
        self, events: Sequence[Event], *, state: Mapping[str, Any] | None = None
    ) -> None:
        self.current = events
        await self.before()
        await self._keep(events, None if state is None else json.dumps(state, allow_nan=False))
        await self.after()

    @property
    def state(self) -> Mapping[str, Any] | None:
        return json.loads(self.states[-1]) if self.states else None

    async def _keep(self, events: Sequence[Event], state: str | None) -> None:
        for event in events:
            if self._digests.get((event.source, event.id), digest(event.to_dict())) != digest(
                event.to_dict()
            ):
                raise EventConflict(event.source, event.id)
        for event in events:
            if (event.source, event.id) not in self._digests:
                self._digests[event.source, event.id] = digest(event.to_dict())
                self.events.append(event)
        if state is not None:
            self.states.append(state)

    @property
    def told(self) -> list[tuple[str, str | None]]:
        """The last word of each event's type, and its subject."""
        return [(event.type.rpartition(".")[2], event.subject) for event in self.events]


class StoreIntake(KeptIntake):
    """The same, over a real store; ``events`` are those that the store did not know before."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._store = EventStore(path)
        self._store.open()

    def close(self) -> None:
        self._store.close()

    def restart(self) -> None:
        """Let go of the store and open it again, as another process would."""
        path = self._store.path
        self._store.close()
        self._store = EventStore(path)
        self._store.open()

    def history(self) -> list[Event]:
        """All events in the store, whoever put them there."""
        return [Event.from_dict(kept.event) for kept in self._store.history(limit=1_000_000)]

    @property
    def state(self) -> Mapping[str, Any] | None:
        found = self._store.state_of("source")
        return None if found is None else json.loads(found)

    async def _keep(self, events: Sequence[Event], state: str | None) -> None:
        incoming = [Incoming(e.source, e.id, e.to_json(), digest(e.to_dict())) for e in events]
        encoded = None if state is None else state.encode()
        future = self._store.accept(incoming, source_key="source", state=encoded)
        future.add_done_callback(lambda future: self._note(events, future))
        for event, accepted in zip(events, await asyncio.wrap_future(future), strict=True):
            if accepted.conflict:
                raise EventConflict(event.source, event.id)

    def _note(self, events: Sequence[Event], future: Future[list[Accepted]]) -> None:
        """Also if nobody waits any more."""
        if not future.cancelled() and future.exception() is None:
            for event, accepted in zip(events, future.result(), strict=True):
                if not accepted.duplicate and not accepted.conflict:
                    self.events.append(event)


class Hang:
    """Lets the first call with events hang for good, as one does in a process that dies there."""

    def __init__(self, intake: KeptIntake) -> None:
        self.hung = asyncio.Event()
        self._intake = intake

    async def __call__(self) -> None:
        if self._intake.current:
            self.hung.set()
            await asyncio.Event().wait()
