"""What has become of an event: deliveries, attempts, results, and what their destinations got."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbfaas.agent.event import Event
from nbfaas.delivery.entry import KeptDelivery, KeptEvent
from nbfaas.errors import UnknownInvocation
from nbfaas.model.delivery import DeliveryAttempt, DeliveryState
from nbfaas.model.invocation import InvocationState
from nbfaas.remote.call import FunctionCall
from nbfaas.service import Place
from nbfaas.service.place import Journaled
from nbfaas.triggers.chains import CAUSE
from nbfaas.triggers.trigger import shown_target

_MOST_LINKS = 64  # of a chain; config.max_chain ends it sooner
_LONGEST = 200  # characters of a result's repr


@dataclass(frozen=True, slots=True)
class SentAttempt:
    """One attempt. ``state``: begun, succeeded, failed, interrupted or late. Times are seconds
    since the epoch, ``wall`` and ``queued`` are seconds. ``invocation`` is None if it went to a
    URL; what comes after that is None, or empty, as long as the journal does not know it."""

    attempt: int
    state: str
    began_at: float
    ended_at: float | None
    wall: float | None
    sandbox: str | None
    error: str | None
    invocation: str | None
    invocation_state: InvocationState | None = None
    queued: float | None = None
    cold_start: bool | None = None
    log: str = ""

    @property
    def call(self) -> FunctionCall[Any]:
        """The call: its result, stats and logs. Raises ``UnknownInvocation``."""
        if self.invocation is None:
            raise UnknownInvocation("None", "(it went to a URL)")
        return FunctionCall.from_id(self.invocation)

    @property
    def result(self) -> Any:
        """What the function returned; raises what it raised, or why there is nothing to return."""
        return self.call.result()

    @property
    def result_text(self) -> str:
        """The result as a short repr; empty if there is none."""
        if self.invocation_state is not InvocationState.SUCCEEDED:
            return ""
        try:
            return _short(self.result)
        except Exception as error:  # noqa: BLE001 - not kept, not trusted, …: it is to be shown
            return f"({error})"


@dataclass(frozen=True, slots=True)
class SentDelivery:
    """An event on its way to the ``target`` of one trigger: the name of a function, or a URL.
    ``reason`` says why it is dead; ``due_at``: when it is tried next, while it waits. ``passed_on``
    are the events that its destinations got."""

    number: int
    trigger: str
    target: str
    state: DeliveryState
    attempt: int
    accepted_at: float
    due_at: float
    reason: str | None
    attempts: tuple[SentAttempt, ...]
    passed_on: tuple[PassedOn, ...]

    @property
    def settled(self) -> bool:
        """Whether it is done or dead, and so is all that came of it."""
        over = self.state in (DeliveryState.DONE, DeliveryState.DEAD)
        return over and all(each.settled for link in self.passed_on for each in link.deliveries)

    @property
    def invocations(self) -> tuple[str, ...]:
        """The ids of the invocations, the first attempt's first."""
        return tuple(each.invocation for each in self.attempts if each.invocation is not None)

    def __repr__(self) -> str:
        return "\n".join(self._lines(""))

    def _lines(self, indent: str) -> list[str]:
        reason = f": {self.reason}" if self.reason else ""
        lines = [f"{indent}{self.trigger} → {self.target}, {self.state}{reason}"]
        for each in self.attempts:
            found = each.error or each.result_text
            lines.append(f"{indent}  attempt {each.attempt} {each.state} {found}".rstrip())
        for link in self.passed_on:
            lines.append(f"{indent}  → {link.event.type} {link.event.id}")
            for delivery in link.deliveries:
                lines += delivery._lines(f"{indent}    ")
        return lines


@dataclass(frozen=True, slots=True)
class PassedOn:
    """An event that a destination got, and what became of that."""

    event: Event
    deliveries: tuple[SentDelivery, ...]


def deliveries_of(service: Place, event: Event) -> list[SentDelivery]:
    """The deliveries of an event that was accepted, as they stand."""
    return _Following(service).deliveries_of(event)


class _Following:
    def __init__(self, service: Place) -> None:
        self._store = service.events.store
        self._journal: Journaled | None = service.journal
        if self._journal is not None:
            self._journal.flush()

    def deliveries_of(self, event: Event) -> list[SentDelivery]:
        for kept in self._store.events([event.id]):
            if kept.source == event.source:
                return self._deliveries(kept, _MOST_LINKS)
        return []

    def _deliveries(self, event: KeptEvent, links: int) -> list[SentDelivery]:
        passed_on = self._passed_on(event) if links else {}
        return [self._delivery(event.id, each, passed_on, links) for each in event.deliveries]

    def _delivery(
        self, event_id: str, kept: KeptDelivery, passed_on: Mapping[str, KeptEvent], links: int
    ) -> SentDelivery:
        return SentDelivery(
            kept.number,
            kept.trigger,
            shown_target(kept.target),
            kept.state,
            kept.attempt,
            kept.accepted_at,
            kept.due_at,
            kept.reason,
            tuple(self._attempt(each) for each in kept.attempts),
            tuple(
                PassedOn(
                    Event.from_dict(passed_on[id_].event),
                    tuple(self._deliveries(passed_on[id_], links - 1)),
                )
                for id_ in _possible_ids(event_id, kept)
                if id_ in passed_on
            ),
        )

    def _attempt(self, kept: DeliveryAttempt) -> SentAttempt:
        facts: dict[str, Any] = {}
        entry = None
        if kept.invocation is not None and self._journal is not None:
            entry = self._journal.find(kept.invocation)
        if entry is not None and self._journal is not None:
            facts["invocation_state"] = entry.state
            facts["log"] = entry.log.decode("utf-8", "replace")
            if stats := self._journal.attempts(entry.id):
                facts.update(queued=stats[-1].queued, cold_start=stats[-1].cold_start)
        return SentAttempt(
            kept.attempt,
            kept.state,
            kept.began_at,
            kept.ended_at,
            kept.wall,
            kept.sandbox,
            kept.error,
            kept.invocation,
            **facts,
        )

    def _passed_on(self, event: KeptEvent) -> dict[str, KeptEvent]:
        """What destinations got because of ``event``, by the ids that ``chains`` gives them."""
        ids = [id_ for each in event.deliveries for id_ in _possible_ids(event.id, each)]
        cause = f"{event.source} {event.id}"
        found = self._store.events(ids) if ids else []
        # An id alone could be another event's, of another source.
        return {each.id: each for each in found if each.event.get(CAUSE) == cause}


def _possible_ids(event_id: str, kept: KeptDelivery) -> list[str]:
    epochs = dict.fromkeys([*(each.epoch for each in kept.attempts), kept.epoch])
    base = [f"{event_id}/{kept.trigger}/{epoch}" for epoch in epochs]
    return [id_ for each in base for id_ in (each, f"{each}/failed")]


def _short(value: Any) -> str:
    shortening = reprlib.Repr()
    shortening.maxstring = shortening.maxother = _LONGEST
    text = shortening.repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
