"""The file with all functions' state: opening it, and carrying out requests."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbfaas import database
from nbfaas.agent.state import MOST, PAGE, Reply
from nbfaas.database import Connection, FileKind, Statements, Trouble
from nbfaas.state.request import Request

_KIND = FileKind(
    "file of state",
    Statements(__package__),
    ("journal_mode = WAL", "synchronous = NORMAL"),
    application=0x6E627374,  # "nbst"
)
_FIXES = {Trouble.DAMAGED: "Restore it from a backup, or move it away."}
MAX_ENTRIES = 100_000
"""Keys that one function may have."""
_NUMBER = re.compile(rb"J(-?\d{1,19})")
_NULL = b"Jnull"


class StateStore:
    """One connection, for one thread. Opened by the first request; ``close`` it.

    ``quota`` is in bytes of keys and values, for each function. Changes are there once a request
    has been answered, for all processes; a loss of power may take back the last ones.
    """

    def __init__(self, path: Path, quota: int) -> None:
        self.path = path
        self.quota = quota
        self._connection: Connection = None

    def __repr__(self) -> str:
        return f"<StateStore {self.path}>"

    def close(self) -> None:
        """Idempotent; the next request opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def answer(self, name: str, request: Request, values: Sequence[bytes] = ()) -> Reply:
        """Carry out a request about the state of the function ``name``. What can't be done is a
        reply too."""
        import apsw

        try:
            if self._connection is None:
                self._connection = self._open()
            if request.op in ("get", "keys"):
                return getattr(self, f"_{request.op}")(name, request)  # type: ignore[no-any-return]
            with database.transaction(self._connection):
                return self._change(name, request, values)
        except _Refusal as refusal:
            return {"refused": refusal.kind, "reason": str(refusal)}, ()
        except (apsw.Error, OSError, database.BadFile) as error:
            self.close()
            reason = database.explained(error, self._unavailable, _FIXES)
            return {"refused": "unavailable", "reason": reason}, ()

    def size(self, name: str) -> tuple[int, int]:
        """How many keys the function has, and their bytes with the values'; once it is open."""
        rows = self._rows("SELECT entries, bytes FROM usage WHERE name = ?", name)
        return (int(rows[0][0]), int(rows[0][1])) if rows else (0, 0)

    # -- requests

    def _get(self, name: str, request: Request) -> Reply:
        value = self._value(name, request.key)
        return ({"found": False}, ()) if value is None else ({"found": True}, (value,))

    def _keys(self, name: str, request: Request) -> Reply:
        rows = self._rows(
            "SELECT key FROM entry WHERE name = ? AND key >= ? AND key > ? "
            "AND substr(key, 1, length(?)) = ? AND (expires_at IS NULL OR expires_at > ?) "
            "ORDER BY key LIMIT ?",
            name,
            request.prefix,
            request.after or "",
            request.prefix,
            request.prefix,
            time.time(),
            PAGE,
        )
        return {"keys": [key for (key,) in rows]}, ()

    def _change(self, name: str, request: Request, values: Sequence[bytes]) -> Reply:
        key = request.key
        self._run(
            "DELETE FROM entry WHERE name = ? AND key = ? AND expires_at <= ?",
            name, key, time.time(),
        )  # fmt: skip
        if request.op == "set":
            self._put(name, key, values[0], request.ttl)
            return {}, ()
        if request.op == "delete":
            self._run("DELETE FROM entry WHERE name = ? AND key = ?", name, key)
            return {"found": bool(self._connection.changes())}, ()
        present = self._value(name, key)
        if request.op == "incr":
            return {"value": self._increment(name, key, present, request.by)}, ()
        expected = None if request.absent else values[0]
        if present != expected and not (expected is None and present == _NULL):
            return {"swapped": False}, ()
        self._put(name, key, values[-1], request.ttl)
        return {"swapped": True}, ()

    def _increment(self, name: str, key: str, present: bytes | None, by: int) -> int:
        number = 0
        if present is not None:
            if (match := _NUMBER.fullmatch(present)) is None:
                raise _Refusal("bad", f"state[{key!r}] is no whole number of at most 63 bits")
            number = int(match[1])
        number += by
        if abs(number) > MOST:
            raise _Refusal("bad", f"state[{key!r}] would need more than 63 bits")
        data = b"J%d" % number
        if present is None:
            self._put(name, key, data, None)
        else:  # its time to live stays
            self._run("UPDATE entry SET value = ? WHERE name = ? AND key = ?", data, name, key)
        return number

    def _put(self, name: str, key: str, value: bytes, ttl: float | None) -> None:
        now = time.time()
        self._run(
            "INSERT INTO entry (name, key, value, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT "
            "(name, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at",
            name, key, value, None if ttl is None else now + ttl,
        )  # fmt: skip
        if not self._fits(name):
            self._run("DELETE FROM entry WHERE name = ? AND expires_at <= ?", name, now)
            if not self._fits(name):
                raise _Refusal(
                    "full",
                    f"the state of {name!r} would have more than {self.quota} bytes or "
                    f"{MAX_ENTRIES} keys. Delete some, give them a ttl, or raise "
                    "nbfaas.config.state_quota",
                )

    def _fits(self, name: str) -> bool:
        entries, size = self.size(name)
        return entries <= MAX_ENTRIES and size <= self.quota

    def _value(self, name: str, key: str) -> bytes | None:
        rows = self._rows(
            "SELECT value FROM entry WHERE name = ? AND key = ? "
            "AND (expires_at IS NULL OR expires_at > ?)",
            name,
            key,
            time.time(),
        )
        return bytes(rows[0][0]) if rows else None

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._connection.execute(sql, values).fetchall()
        return found

    def _run(self, sql: str, *values: object) -> None:
        self._connection.execute(sql, values)

    # -- the file

    def _open(self) -> Connection:
        database.make_folder(self.path)
        database.make_private(self.path)
        connection = database.open_writer(self.path, _KIND)
        try:
            connection.execute("DELETE FROM entry WHERE expires_at <= ?", (time.time(),))
        except BaseException:
            connection.close()
            raise
        return connection

    def _unavailable(self, reason: str, fix: str) -> str:
        return f"the file of state, {self.path}, can't be used: {reason}. {fix}"


class _Refusal(Exception):
    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
