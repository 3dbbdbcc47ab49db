"""Leasing deliveries and settling their attempts, within a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbfaas.delivery.accepting import Line, accept
from nbfaas.delivery.rows import encoded, policy_of, shortened
from nbfaas.delivery.transaction import Transaction
from nbfaas.model.delivery import Delivery, DeliveryState, Outcome

_LEASED, _WAITING = DeliveryState.LEASED.value, DeliveryState.WAITING.value
_DONE, _DEAD = DeliveryState.DONE.value, DeliveryState.DEAD.value
EXPIRED_AT_ONCE = 1000  # deliveries


def lease(tx: Transaction, room: Mapping[str, int], now: float) -> list[Delivery]:
    """Begin an attempt of the deliveries that are due, of each trigger at most ``room``."""
    numbers: list[int] = []
    for trigger, count in room.items():
        if count > 0 and tx.waiting.get(trigger, 0) + tx.changes[trigger] > 0:
            due: list[int] = tx.ask("due", trigger=trigger, room=count, now=now)
            tx.changes[trigger] -= len(due)
            numbers += due
    if not numbers:
        return []
    chosen = encoded(numbers)
    tx.execute("lease", numbers=chosen)
    tx.execute("begin_attempts", numbers=chosen, now=tx.now)
    return tx.deliveries(numbers)


def is_fenced(state: str, epoch: int, outcome: Outcome) -> bool:
    """Whether the outcome does not count: the delivery, as it stands, is under another attempt
    than the outcome's, or under none."""
    return state != _LEASED or epoch != outcome.epoch


def settle(tx: Transaction, outcomes: Sequence[Outcome]) -> list[bool]:
    """End attempts. False: fenced, so nothing of the outcome happens, but that the attempt is
    noted as late."""
    numbers = list({outcome.number for outcome in outcomes})
    standing = {row[0]: row for row in tx.standing(numbers)}
    counted: list[bool] = []
    deliveries: list[tuple[object, ...]] = []
    attempts: dict[tuple[int, int], tuple[object, ...]] = {}
    lines: set[Line] = set()
    for outcome in outcomes:
        row = standing.get(outcome.number)
        fenced = row is None or is_fenced(row[3], row[4], outcome)
        counted.append(not fenced)
        # Told twice at once, an attempt ends as it was told first.
        attempts.setdefault((outcome.number, outcome.epoch), _attempt_row(outcome, fenced))
        if row is not None and not fenced:
            row[3] = outcome.state.value  # should another outcome of this batch tell of it too
            deliveries.append(_delivery_row(outcome))
            lines.add((row[1], row[2]))
            tx.changes[row[1]] += outcome.state is DeliveryState.WAITING
    tx.write("settle", deliveries)
    tx.write("end_attempts", list(attempts.values()))
    tx.pass_on_turns(lines)
    emits = [
        emitted
        for outcome, counts in zip(outcomes, counted, strict=True)
        if counts
        for emitted in outcome.emits
    ]
    if emits:
        # First attempts are not begun: there is nobody to hand them to.
        for emitted, accepted in zip(emits, accept(tx, emits, lease=False), strict=True):
            if accepted.conflict:
                tx.notice(
                    f"an event with source {emitted.source!r} and id {emitted.id!r}, which a "
                    "destination sent, was left out: another one has them already"
                )
    return counted


def _attempt_row(outcome: Outcome, fenced: bool) -> tuple[object, ...]:
    ended = "succeeded" if outcome.state is DeliveryState.DONE else "failed"
    return (
        outcome.number, outcome.epoch, "late" if fenced else ended, outcome.at,
        outcome.invocation, outcome.sandbox, outcome.wall, shortened(outcome.error),
    )  # fmt: skip


def _delivery_row(outcome: Outcome) -> tuple[object, ...]:
    match outcome.state:
        case DeliveryState.DONE:
            return (outcome.number, _DONE, None, None, None)
        case DeliveryState.WAITING:
            due_at = outcome.at if outcome.due_at is None else outcome.due_at
            return (outcome.number, _WAITING, due_at, None, None)
        case DeliveryState.DEAD:
            reason = shortened(outcome.reason or outcome.error) or "no reason was given"
            return (outcome.number, _DEAD, None, reason, outcome.at)
        case _:
            raise ValueError(f"an attempt ends as done, waiting or dead, not {outcome.state}")


def expire(tx: Transaction, now: float) -> list[Delivery]:
    """What waits and has grown older than its policy allows is dead; some of it at a time."""
    numbers: list[int] = tx.ask("expiring", now=now, count=EXPIRED_AT_ONCE)
    rows = tx.standing(numbers)
    dead: list[tuple[object, ...]] = []
    for number, trigger, _, _, _, attempt, policy in rows:
        age = _duration(policy_of(policy).max_age)
        reason = f"it was not done within its max_age, {age} ({_attempts(attempt)})"
        dead.append((number, _DEAD, None, reason, now))
        tx.changes[trigger] -= 1
    tx.write("settle", dead)
    tx.pass_on_turns((row[1], row[2]) for row in rows)
    return tx.deliveries(numbers)


def set_back(tx: Transaction, now: float) -> None:
    """The clock has been set back: what only that makes wait is due now."""
    tx.execute("set_back", now=now)


def recover(tx: Transaction) -> None:
    """Close the attempts that a process had begun that is no more."""
    rows = tx.standing(tx.ask("leased"))
    after: list[tuple[object, ...]] = []
    for number, _, _, _, _, attempt, policy in rows:
        if attempt >= policy_of(policy).max_attempts:
            reason = f"the process that delivered it ended during the last of {_attempts(attempt)}"
            after.append((number, _DEAD, None, reason, tx.now))
        else:
            after.append((number, _WAITING, None, None, None))  # due as it was
    tx.write("interrupt_attempts", [(row[0], row[4], tx.now) for row in rows])
    tx.write("settle", after)
    tx.pass_on_turns((row[1], row[2]) for row in rows)


def next_due(tx: Transaction, triggers: Sequence[str]) -> float | None:
    """When the first delivery of these triggers falls due whose turn has come."""
    found: list[tuple[Any]] = tx.execute("next_due", triggers=encoded(triggers)).fetchall()
    return None if found[0][0] is None else float(found[0][0])


def _attempts(count: int) -> str:
    return "1 attempt" if count == 1 else f"{count} attempts"


def _duration(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
