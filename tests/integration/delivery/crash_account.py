"""What a program that was killed again and again has done, compared with what the store says."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import apsw


@dataclass(frozen=True)
class Account:
    """``lost``: acknowledged, and neither handled nor dead. ``unexplained``: handled under an
    attempt that was neither the one that counted nor interrupted by a kill. ``twice``: completed
    more than once."""

    acknowledged: int
    repeated: int
    lost: frozenset[str]
    unexplained: frozenset[tuple[int, int]]
    twice: frozenset[int]
    undone: int


def account(folder: Path) -> Account:
    told = _lines(folder / "acknowledged")
    handled = [line.split() for line in _lines(folder / "handled")]
    completed = [tuple(map(int, line.split())) for line in _lines(folder / "completed")]
    database = apsw.Connection(str(folder / "events.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        rows = database.execute("SELECT delivery, epoch, state FROM attempt").fetchall()
        states = {(delivery, epoch): state for delivery, epoch, state in rows}
        query = "SELECT id FROM event JOIN delivery ON event = event.number WHERE state = ?"
        dead = {row[0] for row in database.execute(query, ("dead",)).fetchall()}
        [(undone,)] = database.execute(
            "SELECT count(*) FROM delivery WHERE state NOT IN ('done', 'dead')"
        ).fetchall()
    finally:
        database.close()
    successes: dict[int, set[int]] = defaultdict(set)
    for delivery, epoch in completed:
        successes[delivery].add(epoch)
    for (delivery, epoch), state in states.items():
        if state == "succeeded":
            successes[delivery].add(epoch)
    runs = [(int(delivery), int(epoch)) for delivery, epoch, _ in handled]
    explained = {"succeeded", "interrupted"}
    unexplained = {run for run in runs if states.get(run) not in explained}
    unexplained |= {run for run, times in Counter(runs).items() if times > 1}
    ids = [line[2] for line in handled]
    return Account(
        acknowledged=len(told),
        repeated=len(ids) - len(set(ids)),
        lost=frozenset(set(told) - set(ids) - dead),
        unexplained=frozenset(unexplained),
        twice=frozenset(delivery for delivery, epochs in successes.items() if len(epochs) > 1),
        undone=undone,
    )


def acknowledged(folder: Path) -> int:
    """How many events were."""
    return len(_lines(folder / "acknowledged"))


def _lines(path: Path) -> list[str]:
    return path.read_text().split("\n")[:-1] if path.exists() else []
