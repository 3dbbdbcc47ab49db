"""A batch: the records of some milliseconds, folded into one row for each invocation and attempt.

Most calls are short, so all records of a call are usually in one batch, and cost one row. Blobs
travel in the rows as hexadecimal text, except large ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from nbfaas.model.invocation import InvocationState
from nbfaas.model.records import (
    AttemptFinished,
    AttemptStarted,
    InvocationFinished,
    InvocationQueued,
    LogWritten,
    Record,
)

_ROWS = 128  # of one statement; encoding them takes some 0.1 ms, with the interpreter's lock held
_INLINE = 16 * 1024  # bytes of a blob that still goes into its row
_ERROR = 8 * 1024  # characters; what a sandbox says is not trusted to be short
_FAILURE = 1024 * 1024
_LARGEST_INT = 2**63 - 1


class InvocationRow(msgspec.Struct, array_like=True):
    """The columns of ``sql/upsert_invocations.sql``, in its order."""

    id: str
    queued_at: float = 0.0
    function: str = ""
    version: str = ""
    run_id: str | None = None
    position: int | None = None
    state: str = InvocationState.RUNNING
    finished_at: float | None = None
    attempts: int = 0
    error: str | None = None
    result_note: str | None = None
    failure: str | None = None
    result: str | None = None
    log: str = ""


class AttemptRow(msgspec.Struct, array_like=True):
    """The columns of ``sql/upsert_attempts.sql``, in its order."""

    id: str
    attempt: int
    state: str
    sandbox: str | None
    started_at: float
    cold_start: bool
    queued: float | None = None
    wall: float | None = None
    user: float | None = None
    system: float | None = None
    overhead: float | None = None
    peak_memory: int | None = None
    error: str | None = None


class Batch:
    """Records to be written in one transaction. ``log_tail``: bytes kept of an invocation's log."""

    def __init__(self, log_tail: int) -> None:
        self._log_tail = log_tail
        self._invocations: dict[str, InvocationRow] = {}
        self._attempts: dict[tuple[str, int], AttemptRow] = {}
        self._logs: dict[str, list[bytes]] = {}
        self._blobs: dict[str, tuple[bytes | None, bytes | None]] = {}

    def __len__(self) -> int:
        return len(self._invocations)

    def __repr__(self) -> str:
        return f"<Batch {len(self._invocations)} invocations, {len(self._attempts)} attempts>"

    def add(self, record: Record, note: str | None = None) -> None:
        """Fold one record in. ``note`` says why the result of a finished invocation is not in it.

        Records of one invocation must come in the order they were published.
        """
        # By type and not by match: this runs some hundred thousand times a second.
        kind = type(record)
        if kind is AttemptFinished:
            self._attempt_finished(record)  # type: ignore[arg-type]
        elif kind is AttemptStarted:
            self._attempt_started(record)  # type: ignore[arg-type]
        elif kind is InvocationFinished:
            self._finished(record, note)  # type: ignore[arg-type]
        elif kind is InvocationQueued:
            self._queued(record)  # type: ignore[arg-type]
        elif kind is LogWritten:
            self._log_written(record)  # type: ignore[arg-type]

    def invocations(self) -> Iterator[str]:
        """The invocations' rows, as JSON arrays of some hundred rows each."""
        for invocation, chunks in self._logs.items():
            row = self._invocations[invocation]
            if row.finished_at is None:
                row.log = b"".join(chunks)[-self._log_tail :].hex()
        yield from _encoded(list(self._invocations.values()))

    def attempts(self) -> Iterator[str]:
        """The attempts' rows, likewise."""
        yield from _encoded(list(self._attempts.values()))

    def blobs(self) -> Iterator[dict[str, str | bytes | None]]:
        """Large results and logs: id, result, log."""
        for invocation, (result, log) in self._blobs.items():
            yield {"id": _clean(invocation), "result": result, "log": log}

    def split(self) -> Iterator[Batch]:
        """The same, each invocation in a batch of its own: for when one can't be written."""
        for invocation, row in self._invocations.items():
            part = Batch(self._log_tail)
            part._invocations[invocation] = row
            part._attempts = {
                key: row for key, row in self._attempts.items() if key[0] == invocation
            }
            if invocation in self._logs:
                part._logs[invocation] = self._logs[invocation]
            if invocation in self._blobs:
                part._blobs[invocation] = self._blobs[invocation]
            yield part

    def _row(self, invocation: str, at: float) -> InvocationRow:
        row = self._invocations.get(invocation)
        if row is None:
            row = self._invocations[invocation] = InvocationRow(invocation, at)
        return row

    def _queued(self, record: InvocationQueued) -> None:
        self._invocations[record.invocation_id] = InvocationRow(
            record.invocation_id,
            record.at,
            record.function,
            record.version,
            record.run_id,
            record.index,
            InvocationState.QUEUED,
        )

    def _attempt_started(self, record: AttemptStarted) -> None:
        row = self._row(record.invocation_id, record.at)
        if row.finished_at is None:
            row.state = InvocationState.RUNNING
            row.attempts = record.attempt
        self._attempts[record.invocation_id, record.attempt] = AttemptRow(
            record.invocation_id,
            record.attempt,
            InvocationState.RUNNING,
            record.sandbox,
            record.at,
            record.cold_start,
        )

    def _attempt_finished(self, record: AttemptFinished) -> None:
        stats = record.stats
        row = self._row(record.invocation_id, record.at)
        if row.finished_at is None:
            # Were it the last attempt, then InvocationFinished is the very next record.
            succeeded = stats.state == InvocationState.SUCCEEDED
            row.state = InvocationState.RUNNING if succeeded else InvocationState.RETRYING
            row.attempts = stats.attempt
        self._attempts[record.invocation_id, stats.attempt] = AttemptRow(
            record.invocation_id,
            stats.attempt,
            stats.state,
            stats.sandbox,
            stats.started_at,
            stats.cold_start,
            stats.queued,
            stats.wall,
            stats.user,
            stats.system,
            stats.overhead,
            min(stats.peak_memory, _LARGEST_INT),
            stats.error and stats.error[:_ERROR],
        )

    def _log_written(self, record: LogWritten) -> None:
        self._row(record.invocation_id, record.at)
        self._logs.setdefault(record.invocation_id, []).append(record.data)

    def _finished(self, record: InvocationFinished, note: str | None) -> None:
        row = self._row(record.invocation_id, record.at)
        if row.finished_at is not None:
            return
        row.state = record.state
        row.finished_at = record.at
        row.attempts = record.attempts
        row.error = record.error and record.error[:_ERROR]
        row.failure = _failure_json(record.failure)
        result, log = record.result, record.log[-self._log_tail :]
        if result is None and record.state == InvocationState.SUCCEEDED:
            row.result_note = note or "the journal was not given it"
        large_result = result if result is not None and len(result) > _INLINE else None
        large_log = log if len(log) > _INLINE else None
        if result is not None and large_result is None:
            row.result = result.hex()
        if large_log is None:
            row.log = log.hex()
        if large_result is not None or large_log is not None:
            self._blobs[record.invocation_id] = (large_result, large_log)


def _encoded(rows: Sequence[InvocationRow] | Sequence[AttemptRow]) -> Iterator[str]:
    for start in range(0, len(rows), _ROWS):
        yield _json(rows[start : start + _ROWS]).decode()


def _json(value: object) -> bytes:
    try:
        return msgspec.json.encode(value, enc_hook=repr)
    except UnicodeEncodeError:  # a lone surrogate, as in os.fsdecode'd file names
        return msgspec.json.encode(_clean(msgspec.to_builtins(value, enc_hook=repr)))


def _clean(value: Any) -> Any:
    """``value`` with its lone surrogates written as escapes."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {_clean(key): _clean(item) for key, item in value.items()}
        case list() | tuple():
            return [_clean(item) for item in value]
    return value


def _failure_json(failure: dict[str, object] | None) -> str | None:
    """``failure`` as JSON; None if it is none, or too large or too deep to be kept."""
    if failure is None:
        return None
    try:
        text = _json(failure)
    except (TypeError, ValueError, RecursionError):
        return None
    return text.decode() if len(text) <= _FAILURE else None
