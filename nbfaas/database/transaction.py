"""One transaction that writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Connection = Any  # apsw.Connection


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """All that the block does is done, or nothing. One writes at a time; others wait."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # some errors, as a full disk, have rolled back already
            connection.execute("ROLLBACK")
        raise


def value(connection: Connection, statement: str) -> int:
    """The one number that the statement answers with."""
    return int(connection.execute(statement).fetchall()[0][0])
