"""Opening the store's file, making it, and what SQLite's errors mean."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from nbfaas import database
from nbfaas.database import Connection, FileKind, Statements, Trouble, trouble_of
from nbfaas.errors.delivery import EventStoreDamaged, EventStoreError, EventStoreUnavailable

_CHECKPOINT = 4000  # pages of 4 KB that the -wal grows to
_CACHE = 64 * 1024  # KB
_LARGEST_WAL = 64 * 1024 * 1024  # bytes that are kept of it after a large transaction

query = Statements(__package__)
KIND = FileKind(
    "event store",
    query,
    (
        "journal_mode = WAL",
        # A commit returns when its part of the -wal has been synced: what was accepted survives
        # the loss of power.
        "synchronous = FULL",
        "foreign_keys = ON",
        "cell_size_check = ON",
        f"wal_autocheckpoint = {_CHECKPOINT}",
        f"journal_size_limit = {_LARGEST_WAL}",
        f"cache_size = -{_CACHE}",
    ),
    application=0x6E626576,  # "nbev"
)
# It has no -wal before it is complete.
_NEW = replace(KIND, pragmas=("synchronous = FULL",), first=("auto_vacuum = INCREMENTAL",))
_OTHER_NAME = "choose another name: nbfaas.config.event_store = 'another-name'."
_LOOK = "Look at the disk (dmesg, df), then try again."
_FIXES = {
    Trouble.LOCKED: "Close that program (sqlite3, a backup, …).",
    Trouble.NEWER: f"Upgrade nbfaas, or {_OTHER_NAME}",
    Trouble.FOREIGN: _OTHER_NAME.capitalize(),
    Trouble.DISK: _LOOK,
    Trouble.OTHER: _LOOK,
}


def make_folder(path: Path) -> None:
    try:
        database.make_folder(path)
    except OSError as error:
        raise explained(error, path) from error


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
        return database.open_writer(path, KIND)
    except Exception as error:
        raise explained(error, path) from error


def is_damage(error: BaseException) -> bool:
    """Whether ``error`` says that the file is not what it should be."""
    return isinstance(error, EventStoreDamaged) or database.is_damage(error)


def is_trouble(error: BaseException) -> bool:
    """Whether ``error`` is about the file or the disk, and so nobody's fault who wrote to it."""
    return isinstance(error, EventStoreError) or trouble_of(error) is not Trouble.OTHER


def explained(error: BaseException, path: Path) -> EventStoreError:
    """What the error of SQLite or of the system means for the user."""
    if isinstance(error, EventStoreError):
        return error
    if database.is_damage(error):
        return EventStoreDamaged(str(path), str(error))
    return database.explained(
        error, lambda reason, fix: EventStoreUnavailable(str(path), reason, fix), _FIXES
    )


def _make(path: Path) -> None:
    """Make the file under another name, and rename it once it is complete and on disk: whatever
    happens, there is a whole store or none."""
    new = path.with_name(path.name + ".new")
    for suffix in ("", "-journal", "-wal", "-shm"):
        new.with_name(new.name + suffix).unlink(missing_ok=True)
    database.make_private(new)
    connection = database.open_writer(new, _NEW)
    try:
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
    finally:
        connection.close()
    _sync(new)
    new.rename(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
