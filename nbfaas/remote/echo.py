"""Showing what functions print, in the cell that waits for them."""

from __future__ import annotations

import sys
from codecs import getincrementaldecoder
from collections.abc import Callable

_Decoder = getincrementaldecoder("utf-8")


class Echo:
    """Writes chunks of output to this process's stdout and stderr, as they come."""

    def __init__(self) -> None:
        # A character may be split between two chunks.
        self._decoders = {1: _Decoder("replace"), 2: _Decoder("replace")}

    def __call__(self, stream: int, data: bytes) -> None:
        out = sys.stderr if stream == 2 else sys.stdout
        out.write(self._decoders[2 if stream == 2 else 1].decode(data))
        out.flush()


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
