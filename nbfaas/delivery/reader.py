"""The store's answers, each from a connection that only reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from nbfaas.database import Connection, Connections
from nbfaas.delivery.database import KIND, explained, query
from nbfaas.delivery.entry import KeptDelivery, KeptEvent
from nbfaas.delivery.rows import answer, attempt_of, encoded, policy_of
from nbfaas.errors.delivery import EventStoreDamaged
from nbfaas.model.delivery import DeadLetter, DeliveryAttempt, DeliveryState

_LARGEST_NUMBER = 2**63 - 1  # that SQLite can be asked for


class Reader:
    """Answers from the file at ``path``. May be used from any thread; raises
    ``EventStoreError``, and calls ``damaged`` with it if it is that."""

    def __init__(self, path: Path, damaged: Callable[[EventStoreDamaged], None]) -> None:
        self._connections = Connections(path, KIND, self._explained)
        self._damaged = damaged

    def __repr__(self) -> str:
        return f"<Reader {self._connections.path}>"

    def dead_letters(self, trigger: str | None, limit: int) -> list[DeadLetter]:
        """Of one trigger or of all, the latest accepted first."""
        filters = "" if trigger is None else "AND trigger = :trigger"
        return self._dead_letters(filters, {"trigger": trigger, "limit": limit})

    def dead_letter(self, number: int) -> DeadLetter | None:
        if abs(number) > _LARGEST_NUMBER:
            return None
        filters = "AND delivery.number = :number"
        found = self._dead_letters(filters, {"number": number, "limit": 1})
        return found[0] if found else None

    def delivery(self, number: int) -> KeptDelivery | None:
        if abs(number) > _LARGEST_NUMBER:
            return None
        with self._connections.one() as connection:
            rows = answer(connection.execute(query("delivery"), {"number": number}))
            attempts = _attempts(connection, [row[0] for row in rows])
        return _delivery(rows[0], attempts) if rows else None

    def deliveries_of(self, event_id: str) -> list[KeptDelivery]:
        with self._connections.one() as connection:
            events = answer(connection.execute(query("events_with_id"), {"id": event_id}))
            return _deliveries(connection, events)

    def history(self, trigger: str | None, limit: int) -> list[KeptEvent]:
        """The events accepted last, the latest first."""
        name = "latest_events" if trigger is None else "latest_events_of_trigger"
        return self._events(query(name), {"trigger": trigger, "limit": limit})

    def events(self, ids: Sequence[str]) -> list[KeptEvent]:
        """The events with these ids, of whatever source."""
        return self._events(query("events_with_ids"), {"ids": encoded(list(ids))})

    def oldest(self) -> dict[str, float]:
        with self._connections.one() as connection:
            return dict(connection.execute(query("oldest")).fetchall())

    def dead_counts(self) -> dict[str, int]:
        with self._connections.one() as connection:
            return dict(connection.execute(query("dead_counts")).fetchall())

    def state_of(self, source_key: str) -> bytes | None:
        with self._connections.one() as connection:
            rows = connection.execute(query("get_state"), {"source_key": source_key}).fetchall()
        return rows[0][0] if rows else None

    def close(self) -> None:
        """Close the connections that are not in use; the next question opens another."""
        self._connections.close()

    def _events(self, statement: str, parameters: dict[str, object]) -> list[KeptEvent]:
        with self._connections.one() as connection:
            events = answer(connection.execute(statement, parameters))
            kept = _deliveries(connection, [event[0] for event in events])
        deliveries: dict[int, list[KeptDelivery]] = {}
        for delivery in kept:
            deliveries.setdefault(delivery.event, []).append(delivery)
        return [
            KeptEvent(
                number,
                source,
                id_,
                depth,
                accepted_at,
                msgspec.json.decode(body),
                tuple(deliveries.get(number, ())),
            )
            for number, source, id_, depth, accepted_at, body in events
        ]

    def _dead_letters(self, filters: str, parameters: dict[str, object]) -> list[DeadLetter]:
        statement = query("dead_letters").replace("-- filters", filters)
        with self._connections.one() as connection:
            rows = answer(connection.execute(statement, parameters))
            attempts = _attempts(connection, [row[0] for row in rows])
        return [
            DeadLetter(
                number,
                trigger,
                target,
                reason,
                accepted_at,
                died_at,
                msgspec.json.decode(body),
                tuple(attempts.get(number, ())),
            )
            for number, trigger, target, reason, accepted_at, died_at, body in rows
        ]

    def _explained(self, error: BaseException) -> Exception:
        told = explained(error, self._connections.path)
        if isinstance(told, EventStoreDamaged):
            self._damaged(told)
        return told


def _attempts(connection: Connection, numbers: list[int]) -> dict[int, list[DeliveryAttempt]]:
    """The attempts of the deliveries with these numbers, by number, in their order."""
    found: dict[int, list[DeliveryAttempt]] = {}
    for row in answer(connection.execute(query("attempts"), {"numbers": encoded(numbers)})):
        found.setdefault(row[0], []).append(attempt_of(row[1:]))
    return found


def _deliveries(connection: Connection, events: list[int]) -> list[KeptDelivery]:
    """The deliveries of the events with these numbers, with their attempts."""
    rows = answer(connection.execute(query("deliveries_of"), {"events": encoded(events)}))
    attempts = _attempts(connection, [row[0] for row in rows])
    return [_delivery(row, attempts) for row in rows]


def _delivery(row: list[Any], attempts: dict[int, list[DeliveryAttempt]]) -> KeptDelivery:
    (number, event, trigger, target, key, state, epoch, attempt, *rest) = row
    accepted_at, due_at, died_at, reason, policy = rest
    return KeptDelivery(
        number, event, trigger, target, key, DeliveryState(state), epoch, attempt, accepted_at,
        due_at, died_at, reason, policy_of(policy), tuple(attempts.get(number, ())),
    )  # fmt: skip
