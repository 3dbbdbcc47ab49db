"""Where aliases lead, and led before: each move is kept, and a rollback moves the pointer back."""

from __future__ import annotations

from nbfaas.catalog.database import Transaction
from nbfaas.catalog.rows import Alias, Move
from nbfaas.errors import NothingToRollBack

State = tuple[int, int | None, float]
"""Version, second version, and its share."""

_ALIAS = """
SELECT a.name, a.alias, m.version, m.other, m.weight, a.since
FROM alias a JOIN move m ON m.id = a.state
"""


def aliases_of(on: Transaction, name: str) -> tuple[Alias, ...]:
    rows = on.rows(f"{_ALIAS} WHERE a.name = ? ORDER BY a.alias", (name,))
    return tuple(Alias(*row) for row in rows)


def all_aliases(on: Transaction) -> tuple[Alias, ...]:
    return tuple(Alias(*row) for row in on.rows(f"{_ALIAS} ORDER BY a.name, a.alias"))


def find_alias(on: Transaction, name: str, alias: str) -> Alias | None:
    row = on.row(f"{_ALIAS} WHERE a.name = ? AND a.alias = ?", (name, alias))
    return None if row is None else Alias(*row)


def move_alias(on: Transaction, name: str, alias: str, state: State, now: float) -> bool:
    """Lead it to ``state``; False if it leads there already."""
    there = _pointer(on, name, alias)
    if there is not None and _state(on, there) == state:
        return False
    values = (name, alias, "set", *state, now, there)
    move = on.run(
        "INSERT INTO move (name, alias, how, version, other, weight, at, before) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    _point(on, name, alias, move, now)
    return True


def roll_back(on: Transaction, name: str, alias: str, now: float) -> None:
    """Lead it to where it led before it was set; once more, to where it led before that. States
    whose versions were removed are left out. Raises ``NothingToRollBack``."""
    there = _pointer(on, name, alias)
    before = None if there is None else _before(on, there)
    while before is not None and not _exists(on, name, _state(on, before)):
        before = _before(on, before)
    if before is None:
        raise NothingToRollBack(name, alias)
    on.run(
        "INSERT INTO move (name, alias, how, version, other, weight, at) "
        "VALUES (?, ?, 'rollback', ?, ?, ?, ?)",
        (name, alias, *_state(on, before), now),
    )
    _point(on, name, alias, before, now)


def remove_alias(on: Transaction, name: str, alias: str, now: float) -> None:
    on.run("DELETE FROM alias WHERE name = ? AND alias = ?", (name, alias))
    on.run(
        "INSERT INTO move (name, alias, how, weight, at) VALUES (?, ?, 'removed', 0, ?)",
        (name, alias, now),
    )


def moves_of(on: Transaction, name: str) -> list[Move]:
    """The newest first."""
    rows = on.rows(
        "SELECT alias, how, version, other, weight, at FROM move WHERE name = ? ORDER BY id DESC",
        (name,),
    )
    return [Move(*row) for row in rows]


def _point(on: Transaction, name: str, alias: str, move: int, now: float) -> None:
    on.run("INSERT OR REPLACE INTO alias VALUES (?, ?, ?, ?)", (name, alias, move, now))


def _pointer(on: Transaction, name: str, alias: str) -> int | None:
    row = on.row("SELECT state FROM alias WHERE name = ? AND alias = ?", (name, alias))
    return None if row is None else int(row[0])


def _before(on: Transaction, move: int) -> int | None:
    row = on.row("SELECT before FROM move WHERE id = ?", (move,))
    return None if row is None or row[0] is None else int(row[0])


def _state(on: Transaction, move: int) -> State:
    row = on.row("SELECT version, other, weight FROM move WHERE id = ?", (move,))
    assert row is not None
    return row[0], row[1], row[2]


def _exists(on: Transaction, name: str, state: State) -> bool:
    wanted = [number for number in state[:2] if number is not None]
    marks = ", ".join("?" for _ in wanted)
    sql = f"SELECT count(*) FROM version WHERE name = ? AND number IN ({marks})"  # noqa: S608
    row = on.row(sql, (name, *wanted))
    return row is not None and row[0] == len(wanted)
