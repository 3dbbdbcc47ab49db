"""Opening the journal's file, and what to do with a damaged one."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from nbfaas import database
from nbfaas.database import FIX_FOLDER, Connection, FileKind, Statements, Trouble, trouble_of
from nbfaas.errors import JournalDamaged, JournalError, JournalLocked, JournalUnavailable
from nbfaas.forking import close_in_children

query = Statements(__package__)
KIND = FileKind(
    "journal",
    query,
    (
        "journal_mode = WAL",
        # What was committed survives the death of the process; the last commits may be lost with
        # the power, which the history of calls can bear.
        "synchronous = NORMAL",
        "foreign_keys = ON",
    ),
    first=("auto_vacuum = INCREMENTAL",),
)
_FIXES = {
    Trouble.FULL: f"Free some space. {FIX_FOLDER}",
    Trouble.DAMAGED: "It is replaced when a kernel is next started; or move it away yourself.",
    Trouble.NEWER: "Upgrade nbfaas, or give this version a folder of its own: NBFAAS_DATA_DIR=… .",
}
_PASSING = (Trouble.LOCKED, Trouble.FULL, Trouble.FOLDER, Trouble.DISK)


def open_writer(path: Path, now: float) -> tuple[Connection, JournalDamaged | None]:
    """Open the journal for writing, and make or bring up to date its folder, file and schema.

    A file that is not readable is renamed, with its -wal and -shm, and a new one begun; the second
    of the returned pair then says so. Raises ``JournalUnavailable`` and ``JournalLocked``.
    """
    with _opening(path):
        try:
            return _open(path), None
        except JournalDamaged as error:
            kept_as = database.set_aside(path, now)
            return _open(path), JournalDamaged(str(path), str(kept_as), error.reason)


def replace_damaged(
    path: Path, damaged: os.stat_result, now: float, reason: str
) -> tuple[Connection, JournalDamaged]:
    """As ``open_writer``, after the open file turned out to be damaged. ``damaged`` names that
    file: if another process has replaced it already, its new file is used."""
    with _opening(path):
        kept_as = Path("another process's copy")
        if path.exists() and os.path.samestat(path.stat(), damaged):
            kept_as = database.set_aside(path, now)
        return _open(path), JournalDamaged(str(path), str(kept_as), reason)


def may_pass(error: BaseException) -> bool:
    """Whether the same may succeed later: another writer is slow, the disk is full."""
    return trouble_of(error) in _PASSING


def explained(error: BaseException, path: Path) -> JournalError:
    """What the error of SQLite or of the system means for the user."""
    if isinstance(error, JournalError):
        return error
    if trouble_of(error) is Trouble.LOCKED:
        return JournalLocked(str(path), "another process")
    return database.explained(
        error, lambda reason, fix: JournalUnavailable(str(path), reason, fix), _FIXES
    )


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    """Make the folder, and keep other processes from opening the journal for the moment: two that
    found it damaged must not both rename it."""
    try:
        database.make_folder(path)
        file = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        with FileIO(file) as lock:
            close_in_children(lock)
            _lock(lock, path)
            yield
    except OSError as error:
        raise explained(error, path) from error


def _lock(lock: FileIO, path: Path) -> None:
    deadline = time.monotonic() + KIND.busy_timeout
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise JournalLocked(str(path), "another process that is opening it") from None
        time.sleep(0.02)


def _open(path: Path) -> Connection:
    database.make_private(path)
    try:
        return database.open_writer(path, KIND)
    except Exception as error:
        if database.is_damage(error):
            raise JournalDamaged(str(path), "", str(error)) from error
        raise explained(error, path) from error
