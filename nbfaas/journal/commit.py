"""The transactions of the writer: each is short, so that the sessions that share a journal take
turns."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from nbfaas.backends.owner import Owner
from nbfaas.database import Connection, transaction, value
from nbfaas.journal.batch import Batch
from nbfaas.journal.database import query

_PRUNED_AT_ONCE = 500
_PAGES_AT_ONCE = 256  # of 4 KB; less than that may stay free


def write(connection: Connection, session: int, batch: Batch, log_tail: int) -> None:
    """Write the batch in one transaction. Raises ``apsw.Error``; then nothing was written."""
    with transaction(connection):
        invocations = query("upsert_invocations")
        for rows in batch.invocations():
            parameters = {"rows": rows, "session": session, "log_tail": log_tail}
            connection.execute(invocations, parameters)
        for rows in batch.attempts():
            connection.execute(query("upsert_attempts"), {"rows": rows})
        connection.executemany(query("set_blobs"), batch.blobs())


def begin_session(connection: Connection, now: float) -> int:
    """Enter this process as a session and return the session's number."""
    parameters = {"owner": str(Owner.current()), "now": now}
    return int(connection.execute(query("begin_session"), parameters).fetchall()[0][0])


def end_session(connection: Connection, session: int, now: float) -> None:
    """What the session has not finished is lost from now on."""
    connection.execute(query("end_session"), {"session": session, "now": now})


def living_sessions(connection: Connection) -> set[int]:
    """The numbers of the sessions whose process still runs."""
    here = Owner.current().namespace
    alive = set()
    for number, text in connection.execute(query("sessions")).fetchall():
        owner = Owner.parse(text)
        # A process of another pid namespace can't be seen from here. It counts as dead: mostly
        # its container was restarted, and nothing must look as if it ran for ever.
        if owner is not None and owner.namespace == here and owner.is_alive():
            alive.add(number)
    return alive


def prune(connection: Connection, *, before: float, max_rows: int) -> Iterator[int]:
    """Remove what was queued earlier than ``before``, and the oldest above ``max_rows``; then
    give the space back. Each step is a short transaction and yields how many rows it removed."""
    alive = sorted(living_sessions(connection))
    parameters: dict[str, object] = {"alive": msgspec.json.encode(alive).decode()}
    removed = _PRUNED_AT_ONCE
    while removed == _PRUNED_AT_ONCE:
        removed = _remove(connection, parameters | {"before": before, "count": _PRUNED_AT_ONCE})
        yield removed
    excess = value(connection, query("count")) - max_rows
    while excess > 0:
        count = min(excess, _PRUNED_AT_ONCE)
        removed = _remove(connection, parameters | {"before": 9e99, "count": count})
        excess = excess - removed if removed else 0  # what is left is not finished
        yield removed
    connection.execute(query("prune_sessions"), parameters)
    for _ in range(value(connection, "PRAGMA freelist_count") // _PAGES_AT_ONCE):
        connection.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
        yield 0


def _remove(connection: Connection, parameters: dict[str, object]) -> int:
    connection.execute(query("prune_invocations"), parameters)
    return int(connection.changes())
