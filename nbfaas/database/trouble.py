"""What is wrong when a file can't be used: errors of SQLite and of the system, in plain words."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import TypeVar

E = TypeVar("E")

FIX_FOLDER = "Choose a folder you may write to: NBFAAS_DATA_DIR=… before the kernel starts."


class Trouble(Enum):
    """What kind of thing is wrong."""

    LOCKED = "another program has locked the file"
    FULL = "the disk is full"
    DAMAGED = "the file is damaged"
    NEWER = "a newer nbfaas has written it"
    FOREIGN = "the file is something else"
    FOLDER = "the file can't be made, or not be written to"
    DISK = "the disk or the memory fails"
    OTHER = "the statement, or what it was given, is wrong"


class BadFile(Exception):
    """A file that SQLite can read, and that is refused."""


class NewerSchema(BadFile):
    """The file has a schema that this nbfaas does not know yet."""

    def __init__(self) -> None:
        super().__init__(Trouble.NEWER.value)


class ForeignFile(BadFile):
    """The file is a database, but of another kind."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"the file is no {kind}")


def trouble_of(error: BaseException) -> Trouble:
    """What kind of trouble an error of SQLite, of the system or of this package says."""
    for kinds, trouble in _troubles():
        if isinstance(error, kinds):
            return trouble
    if isinstance(error, OSError):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return Trouble.FULL if full else Trouble.FOLDER
    return Trouble.OTHER


def is_damage(error: BaseException) -> bool:
    """Whether ``error`` says that the file is not what it should be."""
    return trouble_of(error) is Trouble.DAMAGED


def explained(
    error: BaseException, unavailable: Callable[[str, str], E], fixes: Mapping[Trouble, str]
) -> E:
    """The owner's error for it: ``unavailable(reason, fix)``. ``fixes`` says what to do about
    each trouble, where that is more than to make room or to look at the folder."""
    trouble = trouble_of(error)
    match trouble:
        case Trouble.LOCKED | Trouble.FULL:
            reason = trouble.value
        case Trouble.DAMAGED:
            reason = f"it is damaged ({error})"
        case _:
            reason = str(error) or type(error).__name__
    return unavailable(reason, fixes.get(trouble) or _FIXES.get(trouble, FIX_FOLDER))


_FIXES = {
    Trouble.LOCKED: "Try again, or close that program (sqlite3, a backup, …).",
    Trouble.FULL: "Free some space, then try again.",
    Trouble.NEWER: "Upgrade nbfaas.",
}


@cache
def _troubles() -> tuple[tuple[tuple[type[BaseException], ...], Trouble], ...]:
    import apsw

    return (
        ((apsw.BusyError, apsw.LockedError), Trouble.LOCKED),
        ((apsw.FullError,), Trouble.FULL),
        ((apsw.CorruptError, apsw.NotADBError), Trouble.DAMAGED),
        ((NewerSchema,), Trouble.NEWER),
        ((ForeignFile,), Trouble.FOREIGN),
        ((apsw.CantOpenError, apsw.ReadOnlyError), Trouble.FOLDER),
        ((apsw.PermissionsError, apsw.AuthError), Trouble.FOLDER),
        ((apsw.IOError, apsw.NoMemError), Trouble.DISK),
    )
