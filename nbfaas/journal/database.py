"""Opening the journal's file: folder, schema, and what to do with a damaged file.

apsw is imported inside the functions, because this module is imported together with nbfaas.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from nbfaas.errors import JournalDamaged, JournalError, JournalLocked, JournalUnavailable
from nbfaas.journal.statements import migrations

Connection = Any  # apsw.Connection
BUSY_TIMEOUT = 5.0  # seconds; others' transactions take milliseconds
_FIX_FOLDER = "Choose a folder you may write to: NBFAAS_DATA_DIR=... before the kernel starts."


def open_writer(path: Path, now: float) -> tuple[Connection, JournalDamaged | None]:
    """Open the journal for writing, and make or bring up to date its folder, file and schema.

    A file that is not readable is renamed, with its -wal and -shm, and a new one begun; the second
    of the returned pair then says so. Raises ``JournalUnavailable`` and ``JournalLocked``.
    """
    with _opening(path):
        try:
            return _open(path), None
        except JournalDamaged as error:
            kept_as = _set_aside(path, now)
            return _open(path), JournalDamaged(str(path), str(kept_as), error.reason)


def replace_damaged(
    path: Path, damaged: os.stat_result, now: float, reason: str
) -> tuple[Connection, JournalDamaged]:
    """As ``open_writer``, after the open file turned out to be damaged. ``damaged`` names that
    file: if another process has replaced it already, its new file is used."""
    with _opening(path):
        kept_as = Path("another process's copy")
        if path.exists() and os.path.samestat(path.stat(), damaged):
            kept_as = _set_aside(path, now)
        return _open(path), JournalDamaged(str(path), str(kept_as), reason)


def open_reader(path: Path) -> Connection:
    """A connection that only reads; any number of them may be open. Raises ``JournalError``."""
    import apsw

    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        connection.setbusytimeout(int(1000 * BUSY_TIMEOUT))
    except apsw.Error as error:
        raise explained(error, path) from error
    return connection


def is_damage(error: BaseException) -> bool:
    """Whether ``error`` says that the file is not what it should be."""
    import apsw

    return isinstance(error, apsw.CorruptError | apsw.NotADBError)


def may_pass(error: BaseException) -> bool:
    """Whether the same may succeed later: another writer is slow, the disk is full."""
    import apsw

    passing = (apsw.BusyError, apsw.LockedError, apsw.FullError, apsw.IOError)
    return isinstance(error, (*passing, apsw.CantOpenError, apsw.ReadOnlyError, apsw.NoMemError))


def explained(error: BaseException, path: Path) -> JournalError:
    """What the error of SQLite or of the system means for the user."""
    import apsw

    if isinstance(error, JournalError):
        return error
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return JournalLocked(str(path), "another process")
    if isinstance(error, apsw.FullError):
        return JournalUnavailable(str(path), "the disk is full", f"Free some space. {_FIX_FOLDER}")
    if is_damage(error):
        fix = "It is replaced when a kernel is next started; or move the file away yourself."
        return JournalUnavailable(str(path), f"it is damaged ({error})", fix)
    return JournalUnavailable(str(path), str(error), _FIX_FOLDER)


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    """Make the folder, and keep other processes from opening the journal for the moment: two that
    found it damaged must not both rename it."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise JournalUnavailable(str(path), str(error), _FIX_FOLDER) from error
    try:
        _lock(lock, path)
        yield
    except OSError as error:
        raise JournalUnavailable(str(path), str(error), _FIX_FOLDER) from error
    finally:
        os.close(lock)


def _lock(lock: int, path: Path) -> None:
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise JournalLocked(str(path), "another process that is opening it") from None
        time.sleep(0.02)


def _open(path: Path) -> Connection:
    import apsw

    # SQLite would make the file readable for all; the -wal and -shm take on its mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = apsw.Connection(str(path))
    try:
        connection.setbusytimeout(int(1000 * BUSY_TIMEOUT))
        if not path.stat().st_size:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only possible before tables
        for pragma in (
            "journal_mode = WAL",
            # What was committed survives the death of the process; the last commits may be lost
            # with the power, which the history of calls can bear.
            "synchronous = NORMAL",
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        _migrate(connection, path)
    except BaseException as error:
        connection.close()
        if is_damage(error):
            raise JournalDamaged(str(path), "", str(error)) from error
        if isinstance(error, apsw.Error):
            raise explained(error, path) from error
        raise
    return connection


def _migrate(connection: Connection, path: Path) -> None:
    scripts = migrations()
    connection.execute("BEGIN IMMEDIATE")
    with closing(connection.execute("PRAGMA user_version")) as cursor:
        version = cursor.fetchone()[0]
    if version > len(scripts):
        connection.execute("ROLLBACK")
        fix = "Upgrade nbfaas, or give this version a folder of its own: NBFAAS_DATA_DIR=... ."
        raise JournalUnavailable(str(path), "a newer nbfaas has written it", fix)
    for script in scripts[version:]:
        connection.execute(script)
    connection.execute(f"PRAGMA user_version = {len(scripts)}")
    connection.execute("COMMIT")


def _set_aside(path: Path, now: float) -> Path:
    """Rename the journal's files and return the new name of the first."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    name = f"{path.name}.damaged-{stamp}"
    number = 1
    while path.with_name(name).exists():
        number += 1
        name = f"{path.name}.damaged-{stamp}-{number}"
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(path.with_name(name + suffix))
    return path.with_name(name)
