"""Redriving, purging, forgetting and pruning, within a transaction: step by step, each bounded.

A step takes where the last one stopped (0 at first) and returns how many it dealt with, and where
it stopped, or None if it was the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nbfaas.delivery.rows import encoded
from nbfaas.delivery.transaction import Transaction
from nbfaas.model.delivery import DeliveryState

AT_ONCE = 500  # deliveries, or events, of one step
_PAGES_AT_ONCE = 256  # of 4 KB that are given back to the disk; less than that may stay free

Step = Callable[[Transaction, int], tuple[int, int | None]]
Chosen = tuple[list[int], int | None]


def redriving(numbers: Sequence[int] | None, trigger: str | None) -> Step:
    """Dead letters to be delivered again: those with the numbers, or all; of one trigger or all."""
    choose = _dead(numbers, trigger)

    def step(tx: Transaction, position: int) -> tuple[int, int | None]:
        chosen, stopped = choose(tx, position)
        rows = tx.standing(chosen)
        tx.execute("redrive", numbers=encoded(chosen), now=tx.now)
        for row in rows:
            tx.changes[row[1]] += 1
        tx.pass_on_turns((row[1], row[2]) for row in rows)
        return len(chosen), stopped

    return step


def purging(numbers: Sequence[int] | None, trigger: str | None) -> Step:
    """Dead letters to be removed for good."""
    choose = _dead(numbers, trigger)

    def step(tx: Transaction, position: int) -> tuple[int, int | None]:
        chosen, stopped = choose(tx, position)
        _remove(tx, chosen)
        return len(chosen), stopped

    return step


def forgetting(trigger: str) -> Step:
    """What waits for a trigger, to be removed for good; what is under way stays."""

    def step(tx: Transaction, position: int) -> tuple[int, int | None]:
        chosen: list[int] = tx.ask("some_waiting_of_trigger", trigger=trigger, count=AT_ONCE)
        _remove(tx, chosen)
        tx.changes[trigger] -= len(chosen)
        return len(chosen), position + len(chosen) if len(chosen) == AT_ONCE else None

    return step


def pruning(now: float) -> Step:
    """What is done, and no longer needed to tell duplicates. The steps count events."""

    def step(tx: Transaction, position: int) -> tuple[int, int | None]:
        done: list[int] = tx.ask("finished", now=now, count=AT_ONCE)
        _remove(tx, done)
        tx.execute("remove_events", now=now, count=AT_ONCE)
        removed = int(tx.connection.changes())
        free = int(tx.connection.execute("PRAGMA freelist_count").fetchall()[0][0])
        if free > _PAGES_AT_ONCE:
            tx.connection.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
        more = len(done) == AT_ONCE or removed == AT_ONCE or free > 2 * _PAGES_AT_ONCE
        return removed, position + removed if more else None

    return step


def _dead(
    numbers: Sequence[int] | None, trigger: str | None
) -> Callable[[Transaction, int], Chosen]:
    if numbers is None:
        return lambda tx, position: _all_dead(tx, position, trigger)
    wanted = list(dict.fromkeys(numbers))

    def choose(tx: Transaction, position: int) -> Chosen:
        end = position + AT_ONCE
        dead = [
            row[0]
            for row in tx.standing(wanted[position:end])
            if row[3] == DeliveryState.DEAD and trigger in (None, row[1])
        ]
        return dead, end if end < len(wanted) else None

    return choose


def _all_dead(tx: Transaction, position: int, trigger: str | None) -> Chosen:
    if trigger is None:
        chosen: list[int] = tx.ask("some_dead", after=position, count=AT_ONCE)
    else:
        chosen = tx.ask("some_dead_of_trigger", trigger=trigger, after=position, count=AT_ONCE)
    return chosen, chosen[-1] if len(chosen) == AT_ONCE else None


def _remove(tx: Transaction, numbers: Sequence[int]) -> None:
    """Deliveries, whole. Their events stay, as long as duplicates have to be told."""
    if not numbers:
        return
    chosen = encoded(numbers)
    events = tx.ask("events_of", numbers=chosen)
    tx.execute("remove_attempts", numbers=chosen)
    tx.execute("remove_deliveries", numbers=chosen)
    tx.execute("bare_events", events=encoded(events))
