"""The catalog's file: opening it, transactions, and what SQLite's errors mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from nbfaas import database
from nbfaas.database import Connection, FileKind, Statements, Trouble
from nbfaas.errors import CatalogUnavailable

_KIND = FileKind(
    "catalog",
    Statements(__package__),
    ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"),
    application=0x6E626361,  # "nbca"
)
_FIXES = {
    Trouble.DAMAGED: (
        "It was left as it is: restore it from a backup, or move it away to begin anew."
    ),
}


class Database:
    """A connection for each use, so that it may be used from any thread and any process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"<Database {self.path}>"

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Everything in the block happens, durably, or nothing. One writes at a time; others wait.
        Raises ``CatalogUnavailable``."""
        with self._open() as connection, database.transaction(connection):
            yield Transaction(connection)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """One state of the catalog for the whole block. Raises ``CatalogUnavailable``."""
        with self._open() as connection:
            connection.execute("BEGIN")
            yield Transaction(connection)
            connection.execute("ROLLBACK")

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        import apsw

        try:
            database.make_folder(self.path)
            database.make_private(self.path)  # manifests show the values of env
            with closing(database.open_writer(self.path, _KIND)) as connection:
                yield connection
        except (apsw.Error, OSError, database.BadFile) as error:
            raise database.explained(error, self._unavailable, _FIXES) from error

    def _unavailable(self, reason: str, fix: str) -> CatalogUnavailable:
        return CatalogUnavailable(str(self.path), reason, fix)


class Transaction:
    """Statements within one transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._connection.execute(sql, values).fetchall()
        return found

    def row(self, sql: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
        found = self.rows(sql, values)
        return found[0] if found else None

    def run(self, sql: str, values: Sequence[object] = ()) -> int:
        """Execute it, and return the id of the row it has inserted last."""
        self._connection.execute(sql, values)
        return int(self._connection.last_insert_rowid())
