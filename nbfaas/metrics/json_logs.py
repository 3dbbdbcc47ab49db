"""The JSON log: a line for each end of an invocation or attempt, and for each line of output.

Publishing only appends to a queue; a thread of the log's own makes lines of the records and writes
them, so that neither the loop nor a call ever waits for a disk or a pipe.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from nbfaas.errors.logs import JsonLogUnavailable
from nbfaas.metrics.json_lines import Lines, LogLine, encoded, time_of
from nbfaas.metrics.log_file import STANDARD_ERROR, LogFile, Sink, StandardError
from nbfaas.model.records import (
    AttemptFinished,
    AttemptStarted,
    DeliveryAttempted,
    InvocationFinished,
    InvocationQueued,
    LogWritten,
    Record,
)

_INTERVAL = 0.05  # seconds between writes
_BLOCK = 256 * 1024  # bytes written at once
# Python hands the interpreter's lock to another thread only after 5 ms, unless it is given up: a
# call that comes while the log is at work must not wait for so long.
_AT_ONCE = 32  # records
_YIELD = 0.00002  # seconds
_PAUSE = 1.0  # seconds until it is tried again, after a write failed
_KINDS = frozenset(
    (
        InvocationQueued,
        AttemptStarted,
        LogWritten,
        AttemptFinished,
        InvocationFinished,
        DeliveryAttempted,
    )
)

__all__ = ["Bounds", "JsonLog", "JsonLogUnavailable"]


class Bounds(NamedTuple):
    """How much is kept: above ``records`` waiting records, or ``content`` bytes of waiting output,
    output is dropped; above four times ``records``, everything is. A file has ``file`` bytes at
    most, and ``keep`` older ones are kept."""

    records: int = 100_000
    content: int = 32 * 1024 * 1024
    file: int = 16 * 1024 * 1024
    keep: int = 3


class JsonLog:
    """Writes to ``destination``: ``stderr``, or a path. ``report`` is called with one-line messages
    for the user, on the log's thread.

    Use as: ``open``, have ``subscriber`` called with records on one thread, ``close``.
    """

    def __init__(
        self,
        destination: str,
        report: Callable[[str], None],
        bounds: Bounds | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.destination = destination
        self.dropped_output = 0  # records
        self.dropped_records = 0
        self._bounds = bounds or Bounds()
        self._report = report
        self._clock = clock
        self._records: deque[Record] = deque()
        self._content_in = 0  # bytes; only the publishing thread changes it
        self._content_out = 0  # bytes; only the log's thread changes it
        self._said = (0, 0)  # what was dropped, as far as a line says so
        self._lines = Lines()
        self._unwritten = bytearray()
        self._failing = False
        self._wake = threading.Event()
        self._sleeping = False
        self._closing = threading.Event()
        self._sink: Sink | None = None
        self._thread = threading.Thread(target=self._run, name="nbfaas-json-log", daemon=True)

    def __repr__(self) -> str:
        dropped = self.dropped_output + self.dropped_records
        return f"<JsonLog {self.destination} {len(self._records)} waiting, {dropped} dropped>"

    def open(self) -> None:
        """Raises ``JsonLogUnavailable`` if the file can't be written."""
        if self.destination == STANDARD_ERROR:
            self._sink = StandardError()
        else:
            path = Path(self.destination).expanduser().absolute()
            try:
                self._sink = LogFile(path, self._bounds.file, self._bounds.keep)
            except OSError as error:
                raise self._unavailable(error) from None
        self._thread.start()

    def subscriber(self, record: Record) -> None:
        """Add a record. Costs well under a microsecond and never waits."""
        kind = type(record)
        if kind not in _KINDS:
            return
        waiting, most = len(self._records), self._bounds.records
        if kind is LogWritten:
            size = len(record.data)  # type: ignore[union-attr]
            if (
                waiting >= most
                or self._content_in - self._content_out + size > self._bounds.content
            ):
                self.dropped_output += 1
                return
            self._content_in += size
        elif waiting >= 4 * most:
            self.dropped_records += 1
            return
        self._records.append(record)
        if self._sleeping:
            self._sleeping = False
            self._wake.set()

    def close(self, timeout: float = 5.0) -> None:
        """Write what is waiting, and end the thread. Idempotent."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    # -- the log's thread

    def _run(self) -> None:
        assert self._sink is not None
        try:
            while not self._closing.is_set():
                self._wait()
                self._work_off()
            self._work_off()
        except Exception as error:  # noqa: BLE001 - the calls must go on without a log
            self._report(str(JsonLogUnavailable(self.destination, repr(error))))
        finally:
            self._records = deque(maxlen=0)  # and forget what is still published
            self._sink.close()

    def _wait(self) -> None:
        if self._failing:
            self._closing.wait(_PAUSE)
            return
        self._sleeping = True
        if not self._records:  # looked at after saying so: what comes now will wake
            self._wake.wait()
        self._sleeping = False
        self._wake.clear()
        self._closing.wait(_INTERVAL)

    def _work_off(self) -> None:
        """Write what is waiting; while that fails, it goes on waiting."""
        if self._unwritten and not self._write():
            return
        for number in range(len(self._records)):
            if number % _AT_ONCE == _AT_ONCE - 1:
                time.sleep(_YIELD)
            record = self._records.popleft()
            if type(record) is LogWritten:
                self._content_out += len(record.data)
            for line in self._lines.of(record):
                self._unwritten += encoded(line)
            if len(self._unwritten) >= _BLOCK and not self._write():
                return
        if said := self._dropped():
            self._unwritten += encoded(said)
        if self._unwritten:
            self._write()

    def _write(self) -> bool:
        assert self._sink is not None
        try:
            while self._unwritten:
                del self._unwritten[: self._sink.write(bytes(self._unwritten))]
        except OSError as error:
            if not self._failing:
                self._report(str(self._unavailable(error)))
            self._failing = True
            return False
        self._failing = False
        return True

    def _dropped(self) -> LogLine | None:
        """The line that says what was dropped since the last one."""
        now = self.dropped_output, self.dropped_records
        output, records = now[0] - self._said[0], now[1] - self._said[1]
        if not (output or records):
            return None
        self._said = now
        return LogLine(
            time_of(self._clock()),
            "warning",
            "dropped",
            f"{output} pieces of output and {records} other records were dropped: "
            "the log could not keep up",
            dropped_output=output,
            dropped_records=records,
        )

    def _unavailable(self, error: OSError) -> JsonLogUnavailable:
        return JsonLogUnavailable(self.destination, error.strerror or str(error))
