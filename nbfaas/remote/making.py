"""Making very many objects that all stay."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
# So many that the look for garbage after them costs nothing, and so few that what an item's own
# ``__reduce__`` leaves behind does not pile up.
_AT_ONCE = 10_000


def make_all(make: Callable[[int, T], R], items: Sequence[T]) -> list[R]:
    """``make(index, item)`` of each item, with Python's collector off: that nothing of it all is
    garbage it would find out again and again, for half the time that the making takes."""
    made: list[R] = []
    for start in range(0, len(items), _AT_ONCE):
        some = items[start : start + _AT_ONCE]
        collecting = gc.isenabled()
        try:  # from here on: Ctrl-C may come at once
            gc.disable()
            made += [make(index, item) for index, item in enumerate(some, start)]
        finally:
            if collecting:
                gc.enable()
        if collecting:
            gc.collect(0)
    return made
