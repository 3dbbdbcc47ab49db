"""Accepting events, within a transaction."""

from __future__ import annotations

from collections.abc import Sequence

from nbfaas.delivery.rows import encoded, name_of, policy_text
from nbfaas.delivery.transaction import Transaction
from nbfaas.model.delivery import Accepted, Delivery, DeliveryState, Incoming, NewDelivery

DEDUP_WINDOW = 6 * 3600.0  # seconds an event is remembered at least, and longer if it may live so

_BYTES = 100_000_000  # of bodies in one statement, about; SQLite takes no texts of 1 GB

Line = tuple[str, str | None]  # trigger, key


def accept(tx: Transaction, incoming: Sequence[Incoming], *, lease: bool) -> list[Accepted]:
    """Accept what was not accepted before. ``lease``: begin first attempts, where asked for."""
    names = [name_of(event) for event in incoming]
    known = _known(tx, names)
    found: list[Accepted | None] = []
    fresh: list[tuple[int, str, Incoming]] = []
    for name, event in zip(names, incoming, strict=True):
        digest = event.digest.hex().upper()
        before = known.get(name)
        if before is None:
            number = tx.event_number()
            known[name] = (number, digest)
            fresh.append((number, name, event))
            found.append(None)
        else:
            same = before[1] == digest
            found.append(Accepted(before[0], duplicate=same, conflict=not same))
    if not fresh:
        return [accepted for accepted in found if accepted is not None]
    new = iter(_insert(tx, fresh, lease))
    return [next(new) if accepted is None else accepted for accepted in found]


def _known(tx: Transaction, names: list[str]) -> dict[str, tuple[int, str]]:
    """Number and digest of those that were accepted before, by name."""
    rows = tx.ask("find_events", names=encoded(names))
    return {names[index]: (number, digest) for index, number, digest in rows}


def _insert(tx: Transaction, fresh: list[tuple[int, str, Incoming]], lease: bool) -> list[Accepted]:
    taken = _taken_lines(tx, fresh)
    events: list[tuple[object, ...]] = []
    deliveries: list[tuple[object, ...]] = []
    begun: list[int] = []
    accepted: list[Accepted] = []
    now, window = tx.now, tx.now + DEDUP_WINDOW
    for number, name, event in fresh:
        body = event.body.decode()
        keep_until = max([window, *(now + new.policy.max_age for new in event.deliveries)])
        leased: list[Delivery] = []
        for new in event.deliveries:
            line = (new.trigger, new.key)
            turn = new.key is None or line not in taken
            if new.key is not None:
                taken.add(line)
            mine = tx.delivery_number()
            if lease and new.lease and turn:
                state = DeliveryState.LEASED.value
                leased.append(_delivery(mine, new, event, now))
                begun.append(mine)
            else:
                state = DeliveryState.WAITING.value
                tx.changes[new.trigger] += 1
            deliveries.append(
                (
                    mine, number, new.trigger, new.target, new.key, state, int(turn),
                    int(state == DeliveryState.LEASED), now, now + new.policy.max_age, keep_until,
                    policy_text(new.policy), None if new.body is None else new.body.decode(),
                )
            )  # fmt: skip
        events.append(
            (
                number, name, event.source, event.id, event.digest.hex(), event.depth,
                len(event.deliveries), now, keep_until, body,
            )
        )  # fmt: skip
        accepted.append(Accepted(number, leased=tuple(leased)))
    largest = max(
        max([len(event.body), *(len(new.body or b"") for new in event.deliveries)])
        for _, _, event in fresh
    )
    at_once = max(1, _BYTES // max(1, largest))
    tx.write("insert_events", events, at_once)
    tx.write("insert_deliveries", deliveries, at_once)
    if begun:
        tx.execute("begin_attempts", numbers=encoded(begun), now=now)
    return accepted


def _taken_lines(tx: Transaction, fresh: list[tuple[int, str, Incoming]]) -> set[Line]:
    """The lines that something undone stands in already, of those that will be joined."""
    joined = {
        (new.trigger, new.key)
        for _, _, event in fresh
        for new in event.deliveries
        if new.key is not None
    }
    if not joined:
        return set()
    lines = list(joined)
    return {lines[index] for index in tx.ask("find_lines", pairs=encoded(lines))}


def _delivery(number: int, new: NewDelivery, event: Incoming, now: float) -> Delivery:
    body = event.body if new.body is None else new.body
    return Delivery(
        number, new.trigger, new.target, new.key, 1, 1, now, now, now + new.policy.max_age,
        event.depth, new.policy, body,
    )  # fmt: skip
