"""How things went over time: a row of figures for each second, but for those without calls."""

from __future__ import annotations

import math
from array import array

SIZE = 300  # rows that are kept: five minutes

COLUMNS = ("at", "calls", "errors", "waiting", "running", "p50", "p95", "p99")
"""Seconds since the epoch; a second; a second; how many; how many; and seconds."""


class Series:
    """Rows get numbers from 0; the last ``size`` are kept."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._values = array("d")
        self.next = 0

    def __repr__(self) -> str:
        return f"<Series of {len(self)} seconds>"

    def __len__(self) -> int:
        return len(self._values) // len(COLUMNS)

    @property
    def first(self) -> int:
        return self.next - len(self)

    def add(self, *row: float | None) -> None:
        """``row``: as ``COLUMNS`` says; None where there is no value."""
        assert len(row) == len(COLUMNS)
        self._values.extend(math.nan if value is None else value for value in row)
        self.next += 1
        if len(self) > self._size:
            del self._values[: len(COLUMNS)]

    def rows(self, number: int) -> bytes:
        """Those from ``number`` on, one after the other: float64, little endian, NaN for none."""
        return self._values[max(0, number - self.first) * len(COLUMNS) :].tobytes()

    def column(self, name: str) -> list[float]:
        return list(self._values[COLUMNS.index(name) :: len(COLUMNS)])
