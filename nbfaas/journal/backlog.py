"""What is published and not yet written: bounded, and cheap to add to."""

from __future__ import annotations

import time
from collections import deque
from threading import Event
from typing import NamedTuple

import msgspec

from nbfaas.agent.units import format_bytes
from nbfaas.journal.batch import Batch
from nbfaas.model.records import (
    AttemptFinished,
    AttemptStarted,
    InvocationFinished,
    LogWritten,
    Record,
)

FULL_BATCH = 8192  # records of one transaction
# Python hands the interpreter's lock to another thread only after 5 ms, unless it is given up: a
# call that comes while the writer is at work must not wait for so long.
_AT_ONCE = 32  # records
_YIELD = 0.00002  # seconds


class Limits(NamedTuple):
    """How far the writer may fall behind before something is left out.

    Above ``records`` output is, above four times that the attempts are, and above ten times that
    everything; above ``content`` bytes output and results are.
    """

    records: int = 200_000
    content: int = 128 * 1024 * 1024
    result: int = 1024 * 1024  # bytes; a larger result is never kept


class Without(NamedTuple):
    """A record whose result was taken out, and why."""

    record: InvocationFinished
    note: str


class Marker:
    """Put among the records; ``reached`` is set when the writer has got that far. ``written`` is
    False if some of the records before it could not be written, and were given up."""

    def __init__(self) -> None:
        self.reached = Event()
        self.written = True


class Backlog:
    """Filled by the thread that publishes, emptied by the writer's."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._entries: deque[Record | Without | Marker] = deque()
        self._content_in = 0  # bytes; only the publishing thread changes it
        self._content_out = 0  # bytes; only the writer changes it
        self._sleeping = False
        self._wake = Event()
        self._taken = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<Backlog {len(self)} records, {self.dropped} dropped>"

    def publish(self, record: Record) -> None:
        """Add a record. Costs well under a microsecond and never waits."""
        kind = type(record)
        if len(self._entries) >= self._limits.records and not self._room_for(kind):
            self.dropped += 1
            return
        if kind is InvocationFinished:
            self._entries.append(self._weighed(record))  # type: ignore[arg-type]
        elif kind is LogWritten:
            size = len(record.data)  # type: ignore[union-attr]
            if self._content_in - self._content_out + size > self._limits.content:
                self.dropped += 1
                return
            self._content_in += size
            self._entries.append(record)
        else:
            self._entries.append(record)
        if self._sleeping:
            self._sleeping = False
            self._wake.set()

    @property
    def published(self) -> int:
        """How many records came so far, dropped ones not included."""
        return self._taken + len(self._entries)

    def mark(self) -> Marker:
        """Have the writer say when it has got as far as here."""
        marker = Marker()
        self._entries.append(marker)
        self.wake()
        return marker

    def wake(self) -> None:
        self._wake.set()

    def wait(self) -> None:
        """Return when there is something to do. Only for the writer."""
        self._sleeping = True
        if not self._entries:  # looked at after saying so: what comes now will wake
            self._wake.wait()
        self._sleeping = False
        self._wake.clear()

    def take(self, batch: Batch) -> list[Marker]:
        """Move the oldest records into ``batch``; return the markers that were among them."""
        entries, add = self._entries, batch.add
        markers: list[Marker] = []
        count = min(len(entries), FULL_BATCH)
        for number in range(count):
            if number % _AT_ONCE == _AT_ONCE - 1:
                time.sleep(_YIELD)
            entry = entries.popleft()
            kind = type(entry)
            if kind is Marker:
                markers.append(entry)  # type: ignore[arg-type]
            elif kind is Without:
                add(*entry)  # type: ignore[misc]
            else:
                if kind is LogWritten:
                    self._content_out += len(entry.data)  # type: ignore[union-attr]
                elif kind is InvocationFinished:
                    self._content_out += len(entry.result or b"")  # type: ignore[union-attr]
                add(entry)  # type: ignore[arg-type]
        self._taken += count
        return markers

    @property
    def is_sealed(self) -> bool:
        return self._entries.maxlen == 0

    def seal(self) -> None:
        """Forget everything, and from now on whatever is published."""
        self._entries = deque(maxlen=0)
        self._sleeping = False

    def _weighed(self, record: InvocationFinished) -> InvocationFinished | Without:
        size = record.result_size if record.result is None else len(record.result)
        if size is None:
            return record
        if size > self._limits.result:
            limit = format_bytes(self._limits.result)
            return _without(record, f"{format_bytes(size)} exceeds journal_result_limit {limit}")
        if record.result is None:
            return record
        if self._content_in - self._content_out + size > self._limits.content:
            return _without(record, f"the journal could not keep up ({format_bytes(size)})")
        self._content_in += size
        return record

    def _room_for(self, kind: type) -> bool:
        if kind is LogWritten:
            return False
        attempt = kind is AttemptStarted or kind is AttemptFinished
        return len(self._entries) < (4 if attempt else 10) * self._limits.records


def _without(record: InvocationFinished, note: str) -> Without:
    return Without(msgspec.structs.replace(record, result=None), note)
