"""When which sandbox was at what: the bars of the timeline, in columns."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from nbfaas.model.invocation import AttemptStats, InvocationState

SIZE = 20_000  # bars that are kept: ten seconds of 2,000 calls a second, or hours of fewer

OK, FAILED, TIMED_OUT, CANCELLED = range(4)
COLD = 4  # added to the four above
_CODES = {
    InvocationState.SUCCEEDED: OK,
    InvocationState.TIMED_OUT: TIMED_OUT,
    InvocationState.CANCELLED: CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Span:
    """One attempt, as it was in its sandbox. ``begin``: seconds since the epoch; ``wait``: how long
    a cold start kept it waiting before; ``state``: one of the codes above, without COLD."""

    number: int
    invocation: str
    begin: float
    length: float
    wait: float
    track: int
    state: int
    cold: bool


class Spans:
    """Spans get numbers from 0; the last ``size``, or up to twice as many, are kept."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._clear()
        self.first = 0  # the number of the oldest that is kept

    def _clear(self) -> None:
        self._begin = array("d")  # seconds since the epoch
        self._length = array("f")  # seconds
        self._wait = array("f")
        self._track = array("I")
        self._code = array("B")
        self._ids: list[str] = []

    def __repr__(self) -> str:
        return f"<Spans {self.first}–{self.next}>"

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def next(self) -> int:
        """The number that the next one gets."""
        return self.first + len(self._ids)

    @property
    def first_track(self) -> int:
        """The lowest number of a track that some span is in; a high one if there are none."""
        return min(self._track, default=1 << 31)

    def add(self, invocation: str, track: int, stats: AttemptStats) -> None:
        code = _CODES.get(stats.state, FAILED)
        self._begin.append(stats.started_at)
        self._length.append(stats.wall + stats.overhead)
        if stats.cold_start:
            code += COLD
            self._wait.append(stats.queued)
        else:
            self._wait.append(0.0)
        self._track.append(track)
        self._code.append(code)
        self._ids.append(invocation)
        if len(self._ids) >= 2 * self._size:
            self._drop(len(self._ids) - self._size)

    def _drop(self, count: int) -> None:
        for column in (self._begin, self._length, self._wait, self._track, self._code, self._ids):
            del column[:count]
        self.first += count

    def columns(self, number: int) -> list[bytes]:
        """Those from ``number`` on: begin (float64), length, wait (float32), track (uint32), code
        (uint8), little endian."""
        at = max(0, number - self.first)
        columns = (self._begin, self._length, self._wait, self._track, self._code)
        return [column[at:].tobytes() for column in columns]

    def __getitem__(self, number: int) -> Span:
        """Raises ``LookupError`` for one that is not kept any more."""
        at = number - self.first
        if not 0 <= at < len(self._ids):
            raise LookupError(f"invocation {number} of the timeline is not kept any more")
        code = self._code[at]
        return Span(
            number,
            self._ids[at],
            self._begin[at],
            self._length[at],
            self._wait[at],
            self._track[at],
            code & 3,
            code >= COLD,
        )

    def latest(self, most: int) -> list[Span]:
        """The last ones."""
        return [self[number] for number in range(max(self.first, self.next - most), self.next)]
