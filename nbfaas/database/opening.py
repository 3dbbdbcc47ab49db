"""Opening a file of SQLite: its folder, its rights, its pragmas and its schema."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from nbfaas.database.damage import close_untouched
from nbfaas.database.statements import Statements
from nbfaas.database.transaction import Connection, transaction, value
from nbfaas.database.trouble import ForeignFile, NewerSchema, is_damage


@dataclass(frozen=True)
class FileKind:
    """What the files of one kind have in common. ``pragmas`` are for every connection that writes,
    ``first`` for a file that has no tables yet. ``application`` marks a file as one of this kind;
    0: it is not looked at. ``busy_timeout``: seconds to wait for others' transactions."""

    name: str
    statements: Statements
    pragmas: tuple[str, ...]
    first: tuple[str, ...] = ()
    application: int = 0
    busy_timeout: float = 5.0


def make_folder(path: Path) -> None:
    """The folder of ``path``, for its owner alone if it has to be made. Raises ``OSError``."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def make_private(path: Path) -> None:
    """The file, empty, if there is none. SQLite would make it readable for all; the -wal and -shm
    take on its mode. Raises ``OSError``."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def open_writer(path: Path, kind: FileKind) -> Connection:
    """A connection that may write to the file, which must be there; its schema is brought up to
    date. A file that is refused is not changed, and a damaged one not either.

    Raises apsw's errors, ``NewerSchema`` and ``ForeignFile``: see ``trouble_of``.
    """
    import apsw

    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.setbusytimeout(int(1000 * kind.busy_timeout))
        _check(connection, kind)
        if kind.first and not value(connection, "PRAGMA schema_version"):
            _set(connection, kind.first, kind.busy_timeout)
        _set(connection, kind.pragmas, kind.busy_timeout)
        migrate(connection, kind)
    except BaseException as error:
        if is_damage(error):
            close_untouched(connection)
        else:
            connection.close()
        raise
    return connection


def open_reader(path: Path, kind: FileKind) -> Connection:
    """A connection that only reads; any number of them may be open. Raises apsw's errors."""
    import apsw

    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.setbusytimeout(int(1000 * kind.busy_timeout))
    return connection


def migrate(connection: Connection, kind: FileKind) -> None:
    """Run the scripts that the file has not seen yet, all or none. Raises ``NewerSchema``."""
    scripts = kind.statements.migrations
    if value(connection, "PRAGMA user_version") == len(scripts):
        return
    with transaction(connection):
        _check(connection, kind)  # somebody else may have been quicker
        for script in scripts[value(connection, "PRAGMA user_version") :]:
            connection.execute(script)
        connection.execute(f"PRAGMA application_id = {kind.application}")
        connection.execute(f"PRAGMA user_version = {len(scripts)}")


def _check(connection: Connection, kind: FileKind) -> None:
    # In this order: whoever is making the file in this moment sets both at once. Where the first
    # is 0, nobody has put anything into the file.
    if (
        kind.application
        and value(connection, "PRAGMA schema_version")
        and value(connection, "PRAGMA application_id") != kind.application
    ):
        raise ForeignFile(kind.name)
    if value(connection, "PRAGMA user_version") > len(kind.statements.migrations):
        raise NewerSchema


def _set(connection: Connection, pragmas: tuple[str, ...], patience: float) -> None:
    """SQLite does not wait while somebody else changes a new file to WAL mode: this does."""
    import apsw

    deadline = time.monotonic() + patience
    for pragma in pragmas:
        while True:
            try:
                connection.execute(f"PRAGMA {pragma}").fetchall()
                break
            except apsw.BusyError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.01)
