"""The latest of many: numbered items, of which only the last ones are kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")


class Ring(Generic[T]):
    """Items get numbers from 0; the last ``size`` are kept."""

    def __init__(self, size: int) -> None:
        self._items: deque[T] = deque(maxlen=size)
        self.next = 0  # the number that the next item gets

    def __repr__(self) -> str:
        return f"<Ring of {self.first}–{self.next}>"

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    @property
    def first(self) -> int:
        """The number of the oldest item that is kept."""
        return self.next - len(self._items)

    def add(self, item: T) -> None:
        self._items.append(item)
        self.next += 1

    def since(self, number: int, most: int) -> list[T]:
        """Those from ``number`` on; of more than ``most``, the latest."""
        count = min(self.next - number, most, len(self._items))
        return list(islice(reversed(self._items), max(0, count)))[::-1]
