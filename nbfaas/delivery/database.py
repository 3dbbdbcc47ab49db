"""Opening the store's file, making it, and what SQLite's errors mean.

apsw is imported inside the functions, because this module is imported together with nbfaas.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

from nbfaas.delivery.statements import migrations
from nbfaas.errors.delivery import EventStoreDamaged, EventStoreError, EventStoreUnavailable

Connection = Any  # apsw.Connection
_APPLICATION = 0x6E626576  # "nbev": says that the file is an event store
_BUSY_TIMEOUT = 5.0  # seconds; nobody else writes, but somebody may look at the file
_FIX_FOLDER = "Choose a folder you may write to: NBFAAS_DATA_DIR=… before the kernel starts."
_CHECKPOINT = 4000  # pages of 4 KB that the -wal grows to
_CACHE = 64 * 1024  # KB
_LARGEST_WAL = 64 * 1024 * 1024  # bytes that are kept of it after a large transaction


def make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EventStoreUnavailable(str(path), str(error), _FIX_FOLDER) from error


def open_writer(path: Path) -> Connection:
    """Open the store for writing; make it first if there is none. For who holds the lock.

    Raises ``EventStoreUnavailable`` and ``EventStoreDamaged``; a damaged file is not touched.
    """
    try:
        if not path.exists():
            wal = path.with_name(path.name + "-wal")
            if wal.exists() and wal.stat().st_size:
                # SQLite would apply it to the new file.
                raise EventStoreDamaged(str(path), f"it is missing, but {wal.name} is there")
            _make(path)
        elif not path.stat().st_size:
            # SQLite would take it for a new one. Ours are never empty: see _make.
            raise EventStoreDamaged(str(path), "it is empty")
        return _open(path)
    except OSError as error:
        raise EventStoreUnavailable(str(path), str(error), _FIX_FOLDER) from error


def open_reader(path: Path) -> Connection:
    """A connection that only reads; any number of them may be open. Raises ``apsw.Error``."""
    import apsw

    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.setbusytimeout(int(1000 * _BUSY_TIMEOUT))
    return connection


def close_untouched(connection: Connection) -> None:
    """Close the connection to a damaged file, without moving the -wal's contents into it."""
    import apsw

    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.close()


def is_damage(error: BaseException) -> bool:
    """Whether ``error`` says that the file is not what it should be."""
    import apsw

    return isinstance(error, EventStoreDamaged | apsw.CorruptError | apsw.NotADBError)


def is_trouble(error: BaseException) -> bool:
    """Whether ``error`` is about the file or the disk, and so nobody's fault who wrote to it."""
    import apsw

    passing = (apsw.BusyError, apsw.LockedError, apsw.FullError, apsw.IOError, apsw.NoMemError)
    other = (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError, apsw.AuthError)
    return isinstance(error, (*passing, *other, EventStoreError, OSError)) or is_damage(error)


def explained(error: BaseException, path: Path) -> EventStoreError:
    """What the error of SQLite or of the system means for the user."""
    import apsw

    name = str(path)
    if isinstance(error, EventStoreError):
        return error
    if is_damage(error):
        return EventStoreDamaged(name, str(error))
    if isinstance(error, apsw.FullError):
        return EventStoreUnavailable(name, "the disk is full", "Free some space, then try again.")
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        reason = "another program has locked the file"
        return EventStoreUnavailable(name, reason, "Close that program (sqlite3, a backup, …).")
    if isinstance(error, apsw.ReadOnlyError | apsw.CantOpenError | apsw.PermissionsError):
        return EventStoreUnavailable(name, str(error), _FIX_FOLDER)
    fix = "Look at the disk (dmesg, df), then try again."
    return EventStoreUnavailable(name, str(error) or type(error).__name__, fix)


def _make(path: Path) -> None:
    """Make the file under another name, and rename it once it is complete and on disk: whatever
    happens, there is a whole store or none."""
    import apsw

    new = path.with_name(path.name + ".new")
    for suffix in ("", "-journal", "-wal", "-shm"):
        new.with_name(new.name + suffix).unlink(missing_ok=True)
    # SQLite would make the file readable for all; the -wal and -shm take on its mode.
    os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(apsw.Connection(str(new))) as connection:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only possible before tables
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute("PRAGMA synchronous = FULL")
            _migrate(connection, path)
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
    except apsw.Error as error:
        raise explained(error, path) from error
    _sync(new)
    new.rename(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open(path: Path) -> Connection:
    import apsw

    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    except apsw.Error as error:
        raise explained(error, path) from error
    try:
        connection.setbusytimeout(int(1000 * _BUSY_TIMEOUT))
        if _value(connection, "PRAGMA application_id") != _APPLICATION:
            fix = "Choose another name: nbfaas.config.event_store = 'another-name'."
            raise EventStoreUnavailable(str(path), "the file is no event store", fix)
        for pragma in (
            "journal_mode = WAL",
            # A commit returns when its part of the -wal has been synced: what was accepted
            # survives the loss of power.
            "synchronous = FULL",
            "foreign_keys = ON",
            "cell_size_check = ON",
            f"wal_autocheckpoint = {_CHECKPOINT}",
            f"journal_size_limit = {_LARGEST_WAL}",
            f"cache_size = -{_CACHE}",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        _migrate(connection, path)
    except BaseException as error:
        if is_damage(error):
            close_untouched(connection)
        else:
            connection.close()
        if isinstance(error, apsw.Error):
            raise explained(error, path) from error
        raise
    return connection


def _migrate(connection: Connection, path: Path) -> None:
    scripts = migrations()
    version = _value(connection, "PRAGMA user_version")
    if version > len(scripts):
        fix = "Upgrade nbfaas, or choose another name: nbfaas.config.event_store = 'another-name'."
        raise EventStoreUnavailable(str(path), "a newer nbfaas has written it", fix)
    if version == len(scripts):
        return
    with connection:
        for script in scripts[version:]:
            connection.execute(script)
        connection.execute(f"PRAGMA user_version = {len(scripts)}")


def _value(connection: Connection, statement: str) -> int:
    return int(connection.execute(statement).fetchall()[0][0])
