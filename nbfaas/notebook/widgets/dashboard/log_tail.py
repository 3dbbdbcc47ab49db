"""The last lines that functions have written, by function."""

from __future__ import annotations

from collections import deque
from heapq import merge
from typing import TypedDict

from nbfaas.model.records import LogWritten

_LINES = 500  # that are kept of each function
_MOST_NAMES = 200
_LONGEST = 2_000  # characters of a line
_UNFINISHED = 10_000  # invocations with a line that has not ended yet


class Line(TypedDict):
    n: int
    at: float
    function: str
    invocation: str
    stream: int  # 1 stdout, 2 stderr
    text: str


class LogTail:
    """``write`` what is written; ``flush`` when an attempt has ended."""

    def __init__(self) -> None:
        self._begun: dict[tuple[str, int], bytes] = {}  # lines without an end yet
        self._lines: dict[str, deque[Line]] = {}
        self.next = 0

    def __repr__(self) -> str:
        return f"<LogTail of {len(self._lines)} functions>"

    @property
    def functions(self) -> list[str]:
        """Those that have written something."""
        return sorted(self._lines)

    def write(self, record: LogWritten, name: str) -> None:
        """``name``: of the function; empty if it is not known."""
        key = (record.invocation_id, record.stream)
        *lines, rest = (self._begun.pop(key, b"") + record.data).split(b"\n")
        for line in lines:
            self._line(record.at, name, record.invocation_id, record.stream, line)
        if len(rest) >= _LONGEST or (rest and len(self._begun) >= _UNFINISHED):
            self._line(record.at, name, record.invocation_id, record.stream, rest)
        elif rest:
            self._begun[key] = rest

    def flush(self, at: float, invocation: str, name: str) -> None:
        """Lines of the invocation that were not ended are so now."""
        if self._begun:
            for stream in (1, 2):
                if rest := self._begun.pop((invocation, stream), b""):
                    self._line(at, name, invocation, stream, rest)

    def _line(self, at: float, name: str, invocation: str, stream: int, data: bytes) -> None:
        text = data[: 4 * _LONGEST].decode("utf-8", "replace")
        if len(text) > _LONGEST:
            text = text[: _LONGEST - 1] + "…"
        name = name or "(unknown)"
        kept = self._lines.get(name)
        if kept is None:
            if len(self._lines) >= _MOST_NAMES:
                name = "other functions"
            kept = self._lines.setdefault(name, deque(maxlen=_LINES))
        kept.append(Line(n=self.next, at=at, function=name, invocation=invocation,
                         stream=stream, text=text))  # fmt: skip
        self.next += 1

    def since(self, number: int, most: int, function: str = "", text: str = "") -> list[Line]:
        """The lines from ``number`` on, of one function or of all, that contain ``text`` whatever
        its case; of more than ``most``, the latest."""
        kept = [self._lines[function]] if function in self._lines else []
        if not function:
            kept = list(self._lines.values())
        wanted = text.casefold()
        found = deque[Line](maxlen=most)
        for line in merge(*(_from(each, number) for each in kept), key=lambda line: line["n"]):
            if not wanted or wanted in line["text"].casefold():
                found.append(line)
        return list(found)


def _from(lines: deque[Line], number: int) -> list[Line]:
    found = []
    for line in reversed(lines):
        if line["n"] < number:
            break
        found.append(line)
    return found[::-1]
