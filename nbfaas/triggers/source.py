"""What a source of events owes, and what it may rely on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from nbfaas.agent.event import Event


class Intake(Protocol):
    """Where a source hands its events in; each source has one of its own."""

    async def accept(
        self, events: Sequence[Event], *, state: Mapping[str, Any] | None = None
    ) -> None:
        """Accept events and, in the same transaction, remember ``state`` (a JSON object, which
        replaces the last one). Returns once both are durable: only then may a source acknowledge
        upstream. What was accepted before (same source and id) is accepted again without effect.

        While the queue is full it waits; so a source that awaits it slows down by itself. Raises
        ``EventConflict`` if another event has the source and id of one of them: that one was not
        accepted, the others and the state were. Raises ``EventStoreError``; then nothing was.
        """
        ...

    @property
    def state(self) -> Mapping[str, Any] | None:
        """What was last remembered, also by an earlier process; None at the very first start."""
        ...


class Source(ABC):
    """Produces events until it is stopped. Made with checked options: the constructor raises
    ``BadTrigger``, naming the option, and does no I/O.

    A source keeps nothing that must survive in memory: what it has seen is in the state that it
    hands in together with the events. After a crash between the two ends (upstream not told, here
    durable) it will hand in the same events again, with the same ids, and they will be dropped.
    """

    kind: ClassVar[str]
    """One word for listings: schedule, file, http, queue, event."""
    problem: str | None = None
    """What is wrong just now, for listings, though ``run`` goes on and waits until it is not."""

    @abstractmethod
    async def run(self, intake: Intake) -> None:
        """Produce events until cancelled; on cancellation leave nothing behind (tasks, threads,
        connections) and lose nothing. Started again after a pause or a restart, it continues where
        the state says. An exception is shown at the trigger, and ``run`` is called again after a
        growing delay (1 s to 60 s); so let errors of the world out, and don't loop over them."""

    def data_by_hand(self) -> Any:
        """The data of an event that somebody fires by hand now, and gives none; JSON."""
        return None

    @abstractmethod
    def describe(self) -> str:
        """What a listing shows: ``*/5 * * * * (UTC)``, ``inbox/*.csv``."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.describe()}>"
