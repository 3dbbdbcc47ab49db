"""Events as they come in and are delivered: the latest, in words, and counts by trigger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from nbfaas.model.delivery import DeliveryState
from nbfaas.model.records import (
    DeliveryAttempted,
    DeliverySettled,
    EventAccepted,
    EventRefused,
    Record,
)
from nbfaas.notebook.widgets.dashboard.ring import Ring

SIZE = 500  # rows that are kept
_UNDER_WAY = 10_000  # deliveries whose event is remembered
_MOST_NAMES = 200


class Row(TypedDict):
    """``state``: accepted, duplicate, unmatched, refused, done, retrying or dead."""

    n: int
    at: float
    state: str
    type: str  # empty, with the source, if the event was accepted long before
    source: str
    event: str
    trigger: str
    detail: str


class TriggerActivity:
    __slots__ = ("dead", "done", "matched", "retried")

    def __init__(self) -> None:
        self.matched = 0
        self.done = 0
        self.retried = 0
        self.dead = 0

    def __repr__(self) -> str:
        return f"<TriggerActivity {self.matched} matched, {self.done} done, {self.dead} dead>"


_SETTLED = {
    DeliveryState.DONE: "done",
    DeliveryState.WAITING: "retrying",
    DeliveryState.DEAD: "dead",
}


class EventStream:
    """``add`` batches of records; read on the same thread."""

    def __init__(self) -> None:
        self.rows: Ring[Row] = Ring(SIZE)
        self.triggers: dict[str, TriggerActivity] = {}
        self.died = 0  # deliveries that were given up
        self._events: dict[int, str] = {}  # the event's id, by delivery under way
        self._known: dict[str, tuple[str, str]] = {}  # type and source of the latest, by id

    def __repr__(self) -> str:
        return f"<EventStream of {self.rows.next} rows>"

    def add(self, batch: Sequence[Record]) -> None:
        for record in batch:
            if isinstance(record, EventAccepted):
                self._known[record.event_id] = (record.type, record.source)
                if len(self._known) > _UNDER_WAY:
                    del self._known[next(iter(self._known))]
                self._accepted(record)
            elif isinstance(record, DeliverySettled):
                self._settled(record)
            elif isinstance(record, DeliveryAttempted):
                self._events[record.number] = record.event_id or ""
                if len(self._events) > _UNDER_WAY:
                    del self._events[next(iter(self._events))]
            elif isinstance(record, EventRefused):
                self._row(record.at, "refused", "", "", record.reason)

    def of(self, trigger: str) -> TriggerActivity:
        if trigger not in self.triggers and len(self.triggers) >= _MOST_NAMES:
            trigger = "other triggers"
        return self.triggers.setdefault(trigger, TriggerActivity())

    def _accepted(self, record: EventAccepted) -> None:
        state = "duplicate" if record.duplicate else "accepted" if record.matched else "unmatched"
        if not record.duplicate:
            for name in record.matched:
                self.of(name).matched += 1
        triggers = ", ".join(record.matched[:20])
        self._row(record.at, state, record.event_id, triggers, "")

    def _settled(self, record: DeliverySettled) -> None:
        state = _SETTLED[record.state]
        counts = self.of(record.trigger)
        counts.done += state == "done"
        counts.retried += state == "retrying"
        counts.dead += state == "dead"
        self.died += state == "dead"
        event = self._events.pop(record.number, "")
        detail = f"attempt {record.attempt}"
        if record.error:
            detail += f": {record.error[:300]}"
        self._row(record.at, state, event, record.trigger, detail)

    def _row(self, at: float, state: str, event: str, trigger: str, text: str) -> None:
        kind, source = self._known.get(event, ("", ""))
        self.rows.add(Row(n=self.rows.next, at=at, state=state, type=kind[:300],
                          source=source[:300], event=event[:300], trigger=trigger,
                          detail=text))  # fmt: skip
