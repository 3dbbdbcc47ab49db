"""What a value costs to hash, to compare and to show, if a hostile sandbox has made it.

``t = (t, t)``, sixty deep, is a pickle of two hundred bytes, and takes 2**60 steps to hash. So what
is to be hashed or shown is weighed first: each value counts as often as it is reached.
"""

from __future__ import annotations

import collections
import types
from collections.abc import Iterable, Iterator
from typing import Any

LEAVES = frozenset({type(None), bool, int, float, complex, str, bytes})
MAX_DEPTH = 500
"""Hashing nested tuples takes C stack, and no recursion limit guards it. Honest values are less
deep: pickling them would have hit the recursion limit."""

_SEQUENCES: tuple[Any, ...] = (tuple, list, frozenset, set, collections.deque)


class TooHeavy(Exception):
    """It is beyond the limit, or nested too deeply."""


def allowance(size: int) -> int:
    """What may be weighed for a pickle of ``size`` bytes: far more than what was not forged has."""
    return 100_000 + 20 * size


def weigh(values: Iterable[object], limit: int, *, shown: bool = False) -> int:
    """How many values are gone through when these are hashed or compared; or, with ``shown``,
    when their reprs are made. Raises ``TooHeavy`` as soon as there are more than ``limit``.

    It takes as many steps as it counts, and no more than ``limit``.
    """
    weight = 0
    around: list[int] = []
    open_ones: list[Iterator[object]] = [iter(values)]
    while open_ones:
        for value in open_ones[-1]:
            weight += 1
            if type(value) in LEAVES:
                if shown and type(value) in (str, bytes):
                    weight += len(value) >> 4  # type: ignore[arg-type]
                continue
            if type(value) is range:
                weight += max(0, (value.stop - value.start) // value.step)
            inside = _inside(value, shown)
            if inside is not None and id(value) not in around:
                around.append(id(value))
                open_ones.append(inside)
                break
            if weight > limit:
                raise TooHeavy
        else:
            open_ones.pop()
            if around:
                around.pop()
        if weight > limit or len(open_ones) > MAX_DEPTH:
            raise TooHeavy
    return weight


def _inside(value: Any, shown: bool) -> Iterator[object] | None:
    """What ``value`` is hashed and compared by, or shown with; None if it has nothing inside."""
    for base in _SEQUENCES:
        if isinstance(value, base):
            made: Iterator[object] = base.__iter__(value)
            return made
    if isinstance(value, dict):
        return (part for item in dict.items(value) for part in item)
    if type(value) is slice:
        return iter((value.start, value.stop, value.step))
    if isinstance(value, type):
        return None
    fields = getattr(type(value), "__dataclass_fields__", None)
    if fields is not None and (shown or _is_generated(type(value).__hash__)):
        return iter([getattr(value, name, None) for name in fields])
    if (parts := _of_attrs(value, shown) or _of_pydantic(value, shown)) is not None:
        return iter(parts)
    if shown and isinstance(value, BaseException):
        return iter(value.args)
    if shown and isinstance(
        value, types.SimpleNamespace | collections.UserDict | collections.UserList
    ):
        return iter(list(vars(value).values()))
    return None


def _of_attrs(value: Any, shown: bool) -> list[object] | None:
    """The fields of an instance of a class that ``attrs`` has made."""
    fields = getattr(type(value), "__attrs_attrs__", None)
    if not isinstance(fields, tuple):
        return None
    if not shown and not _is_generated(type(value).__hash__, "<attrs generated"):
        return None
    return [
        getattr(value, each.name, None)
        for each in fields
        if shown or each.hash or (each.hash is None and each.eq)
    ]


def _of_pydantic(value: Any, shown: bool) -> list[object] | None:
    """The fields of a model of ``pydantic``; frozen ones are hashed by them."""
    cls = type(value)
    if shown:
        if not any(base.__module__ == "pydantic.main" for base in cls.__mro__):
            return None
    elif not (getattr(cls.__hash__, "__module__", None) or "").startswith("pydantic."):
        return None
    extra = getattr(value, "__pydantic_extra__", None) if shown else None
    return [*vars(value).values(), *(extra.values() if isinstance(extra, dict) else ())]


def _is_generated(function: object, by: str = "<string") -> bool:
    """Whether ``@dataclass``, or whoever names its code so, has written it. What a user's own
    ``__hash__`` reads is not known."""
    code = getattr(function, "__code__", None)
    return code is not None and code.co_filename.startswith(by)
