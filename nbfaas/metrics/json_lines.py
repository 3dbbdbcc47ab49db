"""What a record is as a line of a JSON log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from nbfaas.model.invocation import InvocationState
from nbfaas.model.records import (
    AttemptFinished,
    AttemptStarted,
    DeliveryAttempted,
    InvocationFinished,
    InvocationQueued,
    LogWritten,
    Record,
)

LONGEST_LINE = 64 * 1024  # bytes of output; what is longer becomes several lines
_MOST_UNFINISHED = 8 * 1024 * 1024  # bytes of lines whose end has not come, all together
_MOST_LIVE = 200_000  # invocations that have not ended
_LONGEST_TEXT = 8 * 1024  # characters; what a sandbox says is not trusted to be short
_STREAMS = {1: "stdout", 2: "stderr"}
_LEVELS = {
    InvocationState.SUCCEEDED: "info",
    InvocationState.CANCELLED: "warning",
}


class LogLine(msgspec.Struct, omit_defaults=True, gc=False):
    """One line; what is not known is left out. ``kind``: invocation, attempt, output, dropped.
    ``duration`` is in seconds: of an attempt, how long the function ran; of an invocation, from
    when it was queued to its end."""

    timestamp: datetime
    level: str
    kind: str
    message: str
    invocation_id: str | None = None
    attempt: int | None = None
    function: str | None = None
    version: str | None = None
    run_id: str | None = None
    instance: str | None = None
    trigger: str | None = None
    event_id: str | None = None
    state: str | None = None
    duration: float | None = None
    cold_start: bool | None = None
    stream: str | None = None
    partial: bool = False  # the line of output goes on in the next one
    error: str | None = None
    dropped_output: int | None = None
    dropped_records: int | None = None


class _Live:
    """What is known of an invocation that has not ended."""

    __slots__ = (
        *("event_id", "function", "instance", "queued_at", "rests"),
        *("run_id", "trigger", "version"),
    )

    def __init__(self) -> None:
        self.function: str | None = None
        self.version: str | None = None
        self.run_id: str | None = None
        self.queued_at: float | None = None
        self.instance: str | None = None
        self.trigger: str | None = None
        self.event_id: str | None = None
        self.rests: dict[int, bytes] | None = None  # by stream: a line whose end has not come


class Lines:
    """Makes lines of records. Those of one invocation must come in the order of their publication.

    Bounded: what is known of unfinished invocations, and their unfinished lines, are let go when
    there are too many, the oldest first (their lines are then written as they are).
    """

    def __init__(self, most_live: int = _MOST_LIVE, most_unfinished: int = _MOST_UNFINISHED):
        self._most_live = most_live
        self._most_unfinished = most_unfinished
        self._unfinished = 0  # bytes
        self._live: dict[str, _Live] = {}

    def __repr__(self) -> str:
        return f"<Lines {len(self._live)} invocations, {self._unfinished} bytes unfinished>"

    def of(self, record: Record) -> Iterator[LogLine]:
        if isinstance(record, LogWritten):
            yield from self._output(record)
        elif isinstance(record, AttemptFinished):
            yield from self._attempt(record)
        elif isinstance(record, InvocationFinished):
            yield from self._finished(record)
        elif isinstance(record, InvocationQueued):
            yield from self._queued(record)
        elif isinstance(record, AttemptStarted):
            self._get(record.invocation_id).instance = record.sandbox
        elif isinstance(record, DeliveryAttempted) and record.invocation_id is not None:
            live = self._get(record.invocation_id)
            live.trigger, live.event_id = record.trigger, record.event_id

    def _get(self, invocation: str) -> _Live:
        live = self._live.get(invocation)
        if live is None:
            live = self._live[invocation] = _Live()
        return live

    def _queued(self, record: InvocationQueued) -> Iterator[LogLine]:
        live = self._get(record.invocation_id)
        live.function, live.version = record.function, record.version
        live.run_id, live.queued_at = record.run_id, record.at
        while len(self._live) > self._most_live:
            yield from self._let_go(record.at)

    def _output(self, record: LogWritten) -> Iterator[LogLine]:
        invocation, stream = record.invocation_id, record.stream
        live = self._get(invocation)
        if live.rests is None:
            live.rests = {}
        rest = live.rests.pop(stream, b"")
        self._unfinished -= len(rest)
        *whole, rest = (rest + record.data).split(b"\n")
        for line in whole:
            yield from self._pieces(record, live, line, partial=False)
        while len(rest) > LONGEST_LINE:
            yield from self._pieces(record, live, rest[:LONGEST_LINE], partial=True)
            rest = rest[LONGEST_LINE:]
        if rest:
            live.rests[stream] = rest
            self._unfinished += len(rest)
            while self._unfinished > self._most_unfinished:
                yield from self._let_go(record.at)

    def _pieces(
        self, record: LogWritten, live: _Live, line: bytes, *, partial: bool
    ) -> Iterator[LogLine]:
        args = record.at, record.invocation_id, live, record.stream
        while len(line) > LONGEST_LINE:
            yield _output_line(*args, line[:LONGEST_LINE], record.attempt, partial=True)
            line = line[LONGEST_LINE:]
        yield _output_line(*args, line, record.attempt, partial=partial)

    def _rest(self, at: float, invocation: str, live: _Live, attempt: int | None) -> list[LogLine]:
        """The lines that were not finished."""
        rests, live.rests = live.rests, None
        self._unfinished -= sum(map(len, (rests or {}).values()))
        return [
            _output_line(at, invocation, live, stream, rest, attempt, partial=False)
            for stream, rest in (rests or {}).items()
        ]

    def _let_go(self, at: float) -> list[LogLine]:
        invocation = next(iter(self._live))
        return self._rest(at, invocation, self._live.pop(invocation), None)

    def _attempt(self, record: AttemptFinished) -> Iterator[LogLine]:
        stats, live = record.stats, self._get(record.invocation_id)
        yield from self._rest(record.at, record.invocation_id, live, stats.attempt)
        live.instance = stats.sandbox
        line = _ending(record.at, stats.state, "attempt", record.invocation_id, live, stats.error)
        line.attempt, line.duration, line.cold_start = stats.attempt, stats.wall, stats.cold_start
        yield line

    def _finished(self, record: InvocationFinished) -> Iterator[LogLine]:
        live = self._live.pop(record.invocation_id, None) or _Live()
        yield from self._rest(record.at, record.invocation_id, live, record.attempts)
        line = _ending(
            record.at, record.state, "invocation", record.invocation_id, live, record.error
        )
        line.attempt = record.attempts
        if live.queued_at is not None:
            line.duration = round(max(0.0, record.at - live.queued_at), 6)
        yield line


def _ending(
    at: float, state: InvocationState, kind: str, invocation: str, live: _Live, error: str | None
) -> LogLine:
    name = live.function or invocation
    message = f"{name} {'succeeded' if error is None else error[:_LONGEST_TEXT]}"
    line = _line(at, _LEVELS.get(state, "error"), kind, message, invocation, live)
    line.state, line.error = str(state), error and error[:_LONGEST_TEXT]
    return line


def _output_line(
    at: float,
    invocation: str,
    live: _Live,
    stream: int,
    text: bytes,
    attempt: int | None,
    *,
    partial: bool,
) -> LogLine:
    message = text.removesuffix(b"\r").decode("utf-8", "replace")
    line = _line(at, "info", "output", message, invocation, live)
    line.attempt, line.stream, line.partial = attempt, _STREAMS.get(stream, "stdout"), partial
    return line


def _line(at: float, level: str, kind: str, message: str, invocation: str, live: _Live) -> LogLine:
    return LogLine(
        timestamp=time_of(at),
        level=level,
        kind=kind,
        message=message,
        invocation_id=invocation,
        function=live.function,
        version=live.version,
        run_id=live.run_id,
        instance=live.instance,
        trigger=live.trigger,
        event_id=live.event_id,
    )


def time_of(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def encoded(line: LogLine) -> bytes:
    """The line, its end included. What has no UTF-8 (lone surrogates of file names) is escaped."""
    try:
        return msgspec.json.encode(line) + b"\n"
    except UnicodeEncodeError:
        clean = {
            name: value.encode("utf-8", "backslashreplace").decode()
            for name, value in msgspec.structs.asdict(line).items()
            if isinstance(value, str)
        }
        return msgspec.json.encode(msgspec.structs.replace(line, **clean)) + b"\n"
