"""Leasing deliveries and settling their attempts, within a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbfaas.delivery.accepting import Line, accept
from nbfaas.delivery.retrying import attempts_text
from nbfaas.delivery.rows import encoded, overdue_of, policy_of, shortened
from nbfaas.delivery.transaction import Transaction
from nbfaas.model.delivery import Delivery, DeliveryState, Outcome, Overdue

_LEASED, _WAITING = DeliveryState.LEASED.value, DeliveryState.WAITING.value
_DONE, _DEAD = DeliveryState.DONE.value, DeliveryState.DEAD.value
OVERDUE_AT_ONCE = 1000  # deliveries


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
    than the outcome's, or under none; or it does not wait any more, if that is what expired."""
    return state != (_WAITING if outcome.expired else _LEASED) or epoch != outcome.epoch


def settle(tx: Transaction, outcomes: Sequence[Outcome]) -> list[bool]:
    """End attempts, and what is overdue. False: fenced, so nothing of the outcome happens, but
    that the attempt is noted as late."""
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
        if not outcome.expired:
            # Told twice at once, an attempt ends as it was told first.
            attempts.setdefault((outcome.number, outcome.epoch), _attempt_row(outcome, fenced))
        if row is not None and not fenced:
            row[3] = outcome.state.value  # should another outcome of this batch tell of it too
            deliveries.append(_delivery_row(outcome))
            lines.add((row[1], row[2]))
            tx.changes[row[1]] += (outcome.state is DeliveryState.WAITING) - outcome.expired
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
    if outcome.interrupted:
        ended = "interrupted"
    return (
        outcome.number, outcome.epoch, "late" if fenced else ended, outcome.at,
        outcome.invocation, outcome.sandbox, outcome.wall, shortened(outcome.error),
    )  # fmt: skip


def _delivery_row(outcome: Outcome) -> tuple[object, ...]:
    match outcome.state:
        case DeliveryState.DONE:
            return (outcome.number, _DONE, None, None, None, 0)
        case DeliveryState.WAITING:
            due_at = outcome.at if outcome.due_at is None else outcome.due_at
            return (outcome.number, _WAITING, due_at, None, None, int(outcome.interrupted))
        case DeliveryState.DEAD:
            reason = shortened(outcome.reason or outcome.error) or "no reason was given"
            return (outcome.number, _DEAD, None, reason, outcome.at, 0)
        case _:
            raise ValueError(f"an attempt ends as done, waiting or dead, not {outcome.state}")


def overdue(tx: Transaction, now: float, triggers: Sequence[str] | None) -> list[Overdue]:
    """What waits and has grown older than its policy allows, without its bodies; some of it."""
    chosen = None if triggers is None else encoded(triggers)
    rows = tx.ask("expiring", now=now, triggers=chosen, count=OVERDUE_AT_ONCE)
    return [overdue_of(row) for row in rows]


def set_back(tx: Transaction, now: float) -> None:
    """The clock has been set back: what only that makes wait is due now."""
    tx.execute("set_back", now=now)


def recover(tx: Transaction) -> None:
    """Close the attempts that a process had begun that is no more."""
    rows = tx.standing(tx.ask("leased"))
    after: list[tuple[object, ...]] = []
    for number, _, _, _, _, attempt, policy in rows:
        if attempt >= policy_of(policy).max_attempts:
            reason = (
                f"the process that delivered it ended during the last of {attempts_text(attempt)}"
            )
            after.append((number, _DEAD, None, reason, tx.now, 0))
        else:
            after.append((number, _WAITING, None, None, None, 0))  # due as it was
    tx.write("interrupt_attempts", [(row[0], row[4], tx.now) for row in rows])
    tx.write("settle", after)
    tx.pass_on_turns((row[1], row[2]) for row in rows)


def next_due(tx: Transaction, triggers: Sequence[str]) -> float | None:
    """When the first delivery of these triggers falls due whose turn has come."""
    found: list[tuple[Any]] = tx.execute("next_due", triggers=encoded(triggers)).fetchall()
    return None if found[0][0] is None else float(found[0][0])
