"""Showing what functions print, in the cell that waits for them."""

from __future__ import annotations

import sys
import time
from codecs import getincrementaldecoder
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TextIO

from nbfaas.dispatch.invocation import Invocation

_Decoder = getincrementaldecoder("utf-8")
_BETWEEN_FLUSHES = 0.03  # seconds
_LATE = 0.5  # seconds; a call that takes longer is shown


Inbox = SimpleQueue[Invocation | tuple[int, bytes]]
"""Chunks of output, each with its stream, and in the end the invocation."""


class Echo:
    """Writes chunks of output to this process's stdout and stderr, as they come.

    What comes in quick succession is flushed together: each flush is a message to the notebook's
    page, which takes a thousand a second and drops the others.

    ``late`` is called once if the invocation takes long, and what it returns at the end.
    """

    def __init__(self, late: Callable[[], Callable[[], None]] | None = None) -> None:
        self._late = late
        self._late_at = time.monotonic() + _LATE
        self._ended: Callable[[], None] | None = None
        # A character may be split between two chunks.
        self._decoders = {1: _Decoder("replace"), 2: _Decoder("replace")}
        self._unflushed: TextIO | None = None
        self._next_flush = 0.0

    def follow(self, inbox: Inbox) -> Invocation:
        """Write what comes until the invocation has ended, and return that."""
        while not isinstance(news := self._next(inbox), Invocation):
            self._write(*news)
        self._flush()
        if self._ended is not None:
            self._ended()
        return news

    def _next(self, inbox: Inbox) -> Invocation | tuple[int, bytes]:
        if self._unflushed is not None:
            try:
                return inbox.get(timeout=max(0.0, self._next_flush - time.monotonic()))
            except Empty:
                self._flush()
        if self._late is not None:
            try:
                return inbox.get(timeout=max(0.0, self._late_at - time.monotonic()))
            except Empty:
                late, self._late = self._late, None
                self._ended = late()
        return inbox.get()

    def _write(self, stream: int, data: bytes) -> None:
        out = sys.stderr if stream == 2 else sys.stdout
        if out is not self._unflushed:
            self._flush()  # so that the two streams keep their order
        out.write(self._decoders[2 if stream == 2 else 1].decode(data))
        self._unflushed = out
        if time.monotonic() >= self._next_flush:
            self._flush()

    def _flush(self) -> None:
        if self._unflushed is not None:
            self._unflushed.flush()
            self._unflushed = None
            self._next_flush = time.monotonic() + _BETWEEN_FLUSHES


class LineEcho:
    """Like ``Echo`` for many invocations at once: whole lines, each after its item's number.

    After ``limit`` lines it says where the rest can be read, and falls silent.
    """

    def __init__(self, limit: int = 200) -> None:
        self._limit = limit
        self._rest: dict[tuple[int, int], bytes] = {}

    def __call__(self, index: int, stream: int, data: bytes) -> None:
        if self._limit <= 0:
            return
        out = sys.stderr if stream == 2 else sys.stdout
        *lines, rest = (self._rest.pop((index, stream), b"") + data).split(b"\n")
        if rest:
            self._rest[index, stream] = rest[-10_000:]
        for line in lines:
            self._write(out.write, index, line)
        out.flush()

    def finish(self, index: int) -> None:
        """Write an unfinished last line of an item that has ended."""
        for stream in (1, 2):
            if rest := self._rest.pop((index, stream), b""):
                self._write(sys.stdout.write, index, rest)

    def _write(self, write: Callable[[str], object], index: int, line: bytes) -> None:
        if self._limit <= 0:
            return
        self._limit -= 1
        write(f"[{index}] {line.decode('utf-8', 'replace')}\n")
        if not self._limit:
            write("[… more output: read it with run[i].logs …]\n")
