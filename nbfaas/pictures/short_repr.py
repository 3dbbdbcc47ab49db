"""Short reprs of any value, bounded in time and in length.

A value that came from a sandbox may be forged so that its repr takes for ever; a user's own may be
large, or its ``__repr__`` raise. None of that may hold up a widget.
"""

from __future__ import annotations

import builtins
import itertools
import reprlib
from typing import Any

from nbfaas.agent.units import format_bytes
from nbfaas.packager.weight import TooHeavy, weigh

_HEAVIEST = 20_000  # values gone through for the repr of what reprlib can't shorten
_MOST_BITS = 4000  # of an integer that is written out: Python refuses much longer ones


def short_repr(value: object, limit: int = 400) -> str:
    """At most ``limit`` characters; never raises, but for what is no ``Exception``."""
    try:
        text = _Short(limit).repr(value)
    except Exception as error:  # noqa: BLE001 - a repr may raise anything
        text = f"<{_kind(value)}, whose repr raised {_kind(error)}>"
    return text if len(text) <= limit else text[: limit - 1] + "…"


class _Short(reprlib.Repr):
    def __init__(self, limit: int) -> None:
        super().__init__()
        self.maxlevel = 5
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = 16
        self.maxdict = self.maxarray = 12
        self.maxstring = self.maxother = limit

    def repr_instance(self, x: Any, level: int) -> str:
        try:
            weigh([x], _HEAVIEST, shown=True)
        except TooHeavy:
            return f"<{_kind(x)}, too large to be shown>"
        try:
            text = builtins.repr(x)
        except Exception as error:  # noqa: BLE001 - as above; what is around it is still shown
            return f"<{_kind(x)}, whose repr raised {_kind(error)}>"
        return text if len(text) <= self.maxother else text[: self.maxother - 1] + "…"

    def repr_int(self, x: int, level: int) -> str:
        if x.bit_length() > _MOST_BITS:
            return f"<int of {x.bit_length():,} bits>"
        return super().repr_int(x, level)

    def repr_range(self, x: range, level: int) -> str:
        return builtins.repr(x)

    def repr_bytes(self, x: bytes, level: int) -> str:
        if len(x) <= self.maxstring:
            return builtins.repr(x)
        return f"{x[:32]!r}… ({format_bytes(len(x))})"

    def repr_set(self, x: set[Any], level: int) -> str:
        # reprlib sorts all of it, however large.
        return super().repr_set(x, level) if len(x) <= 1000 else self._part("{", x, "}", level)

    def repr_frozenset(self, x: frozenset[Any], level: int) -> str:
        if len(x) <= 1000:
            return super().repr_frozenset(x, level)
        return self._part("frozenset({", x, "})", level)

    def repr_dict(self, x: dict[Any, Any], level: int) -> str:
        if len(x) <= 1000:
            return super().repr_dict(x, level)
        some = dict(itertools.islice(x.items(), self.maxdict))
        return super().repr_dict(some, level)[:-1] + ", ...}"

    def _part(self, left: str, x: Any, right: str, level: int) -> str:
        some = [self.repr1(each, level - 1) for each in itertools.islice(x, self.maxset)]
        return f"{left}{', '.join(some)}, ...{right}"


def _kind(value: object) -> str:
    return type(value).__name__
