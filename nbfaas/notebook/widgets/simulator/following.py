"""What became of events, as the browser is told it: JSON, texts as they are."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from nbfaas.agent.event import Event
from nbfaas.delivery.entry import KeptEvent
from nbfaas.events import Sent
from nbfaas.events.burst import POISON
from nbfaas.events.outcome import SentAttempt, SentDelivery, deliveries_of
from nbfaas.model.delivery import DeliveryState
from nbfaas.notebook.widgets.facts import facts
from nbfaas.pictures.states import name_of
from nbfaas.remote.call import FunctionCall
from nbfaas.service import current_service

_LOG = 4_000  # characters, the last ones
_ATTEMPTS = {
    "begun": "running",
    "succeeded": "done",
    "failed": "failed",
    "interrupted": "cancelled",
    "late": "timed_out",
}
_AT_ONCE = 500  # events asked for at once


@dataclass(eq=False)
class Invoked:
    """A function that was run with an event, apart from the bus."""

    event: Event
    to: str
    call: FunctionCall[Any]
    at: float = field(default_factory=time.time)


Entry: TypeAlias = Sent | Invoked


def key_of(entry: Entry) -> str:
    """What a view calls it."""
    return f"{entry.at:.6f} {entry.event.id}"


class Results:
    """Results as text; each is read once only."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, attempt: SentAttempt) -> str:
        if attempt.invocation is None or attempt.state != "succeeded":
            return ""
        if attempt.invocation not in self._known:
            if not (text := attempt.result_text):
                return ""  # the journal does not know of it yet
            self._known[attempt.invocation] = text
        return self._known[attempt.invocation]


def outcome(entry: Entry, results: Results) -> dict[str, Any]:
    """Of one event, in full: ``deliveries``, or the ``call``. ``settled``: nothing more is to be
    expected of it. Raises what the service and its event store raise."""
    told: dict[str, Any] = {
        "key": key_of(entry),
        "event": event_facts(entry.event),
        "at": entry.at,
        "refusal": "",
        "duplicate": False,
        "triggers": [],
        "deliveries": [],
        "call": None,
    }
    if isinstance(entry, Invoked):
        return told | {"call": facts(entry.call.details()), "settled": entry.call.done()}
    if entry.receipt is None:
        return told | {"refusal": entry.refusal or "", "settled": True}
    service = current_service()
    found = [] if service is None else deliveries_of(service, entry.event)
    return told | {
        "duplicate": entry.duplicate,
        "triggers": list(entry.triggers),
        "deliveries": [_delivery(each, results) for each in found],
        "settled": all(each.settled for each in found),
    }


def event_facts(event: Event) -> dict[str, Any]:
    poison = event.extensions.get(POISON, "")
    return {
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject or "",
        "poison": str(poison),
    }


def _delivery(delivery: SentDelivery, results: Results) -> dict[str, Any]:
    state, word = _state(delivery.state, bool(delivery.attempts))
    return {
        "number": delivery.number,
        "trigger": delivery.trigger,
        "target": delivery.target,
        "state": state,
        "word": word,
        "dead": delivery.state is DeliveryState.DEAD,
        "reason": delivery.reason or "",
        "due": delivery.due_at if state == "retrying" else None,
        "attempts": [_attempt(each, results) for each in delivery.attempts],
        "passed": [
            {
                "event": event_facts(link.event),
                "deliveries": [_delivery(each, results) for each in link.deliveries],
            }
            for link in delivery.passed_on
        ],
    }


def _attempt(attempt: SentAttempt, results: Results) -> dict[str, Any]:
    cut = max(0, len(attempt.log) - _LOG)
    return {
        "number": attempt.attempt,
        "state": _ATTEMPTS.get(attempt.state, attempt.state),
        "began": attempt.began_at,
        "wall": attempt.wall,
        "queued": attempt.queued,
        "cold": bool(attempt.cold_start),
        "invocation": attempt.invocation,
        "error": attempt.error or "",
        "result": results.of(attempt),
        "log": attempt.log[cut:],
        "cut": cut,
    }


def _state(state: DeliveryState, tried: bool) -> tuple[str, str]:
    """The name of the state as widgets know it, and in words."""
    if state is DeliveryState.WAITING:
        return ("retrying", "tried again soon") if tried else ("queued", "waiting")
    if state is DeliveryState.LEASED:
        return "running", "running"
    return ("done", "done") if state is DeliveryState.DONE else ("failed", "dead letter")


class Standing:
    """How many events stand, each by its own deliveries; what is done is not asked for again."""

    def __init__(self) -> None:
        self._done: dict[tuple[str, str], tuple[str, str]] = {}

    def of(self, events: Sequence[Event]) -> list[tuple[str, str]]:
        """For each event the state and the words. Raises what the event store raises."""
        asked = [each for each in events if (each.source, each.id) not in self._done]
        found: dict[tuple[str, str], tuple[str, str]] = {}
        for begin in range(0, len(asked), _AT_ONCE):
            ids = list(dict.fromkeys(each.id for each in asked[begin : begin + _AT_ONCE]))
            found.update({(kept.source, kept.id): _standing(kept) for kept in _kept(ids)})
        self._done.update({name: each for name, each in found.items() if each[0] == "done"})
        unknown = ("unknown", "not known")
        names = [(each.source, each.id) for each in events]
        return [self._done.get(name) or found.get(name, unknown) for name in names]


def _kept(ids: list[str]) -> list[KeptEvent]:
    service = current_service()
    engine = None if service is None else service.events_if_open
    if engine is None or not engine.store.is_open:
        return []
    return list(engine.store.events(ids))


def _standing(kept: KeptEvent) -> tuple[str, str]:
    if not kept.deliveries:
        return "done", "no rule matched"
    states = [_state(each.state, bool(each.attempts)) for each in kept.deliveries]
    for name in ("running", "retrying", "queued", "failed"):
        for state in states:
            if state[0] == name:
                return state
    return states[0]


def row(entry: Entry, standing: tuple[str, str]) -> dict[str, Any]:
    """Of the history."""
    state, word = standing
    if isinstance(entry, Invoked):
        state = word = name_of(entry.call.status)
        word = word.replace("_", " ")
    elif entry.receipt is None:
        state, word = "failed", "refused"
    elif entry.duplicate:
        state, word = "cancelled", "a duplicate"
    return {
        "key": key_of(entry),
        "at": entry.at,
        "to": entry.to or "",
        "direct": isinstance(entry, Invoked),
        "state": state,
        "word": word,
        **event_facts(entry.event),
    }


def tally(standings: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """How many of each, the largest number first."""
    return [
        {"state": state, "word": word, "count": count}
        for (state, word), count in Counter(standings).most_common()
    ]
