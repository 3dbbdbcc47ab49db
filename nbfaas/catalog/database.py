"""The catalog's file: opening it, transactions, and what SQLite's errors mean.

apsw is imported inside the functions, because this module is imported together with nbfaas.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from nbfaas.errors import CatalogUnavailable

_APPLICATION = 0x6E626361  # "nbca": says that the file is a catalog
_SCHEMA = 1
_BUSY_TIMEOUT = 5.0  # seconds; others' transactions take milliseconds
_FIX_FOLDER = "Choose a folder you may write to: NBFAAS_DATA_DIR=… before the kernel starts."


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
        import apsw

        try:
            connection = self._open()
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield Transaction(connection)
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
            finally:
                connection.close()
        except (apsw.Error, OSError) as error:
            raise self._explained(error) from error

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """One state of the catalog for the whole block. Raises ``CatalogUnavailable``."""
        import apsw

        try:
            connection = self._open()
            try:
                connection.execute("BEGIN")
                yield Transaction(connection)
                connection.execute("ROLLBACK")
            finally:
                connection.close()
        except (apsw.Error, OSError) as error:
            raise self._explained(error) from error

    def _open(self) -> Any:
        import apsw

        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite would make the file readable for all: manifests show the values of env.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        connection: Any = apsw.Connection(str(self.path))
        try:
            connection.setbusytimeout(int(1000 * _BUSY_TIMEOUT))
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            version = int(connection.execute("PRAGMA user_version").fetchall()[0][0])
            if version > _SCHEMA:
                raise CatalogUnavailable(
                    str(self.path), "a newer nbfaas has written it", "Upgrade nbfaas."
                )
            if version < _SCHEMA:
                connection.execute("PRAGMA journal_mode = WAL").fetchall()
                connection.execute("BEGIN IMMEDIATE")
                script = files(__package__).joinpath("schema.sql").read_text("utf-8")
                connection.execute(script)
                connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                connection.execute(f"PRAGMA user_version = {_SCHEMA}")
                connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _explained(self, error: BaseException) -> CatalogUnavailable:
        import apsw

        path = str(self.path)
        if isinstance(error, apsw.BusyError | apsw.LockedError):
            return CatalogUnavailable(path, "another process keeps it locked", "Try again.")
        if isinstance(error, apsw.FullError):
            return CatalogUnavailable(path, "the disk is full", "Free some space.")
        if isinstance(error, apsw.CorruptError | apsw.NotADBError):
            fix = "It was left as it is: restore it from a backup, or move it away to begin anew."
            return CatalogUnavailable(path, f"it is damaged ({error})", fix)
        return CatalogUnavailable(path, str(error), _FIX_FOLDER)


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
