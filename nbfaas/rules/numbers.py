"""``numeric``: comparisons and ranges.

EventBridge compares numbers between -5e9 and 5e9 with six digits after the point ("Numeric
matching" in its user guide). Numbers of an event are rounded to six digits, and 0.1 + 0.2 is 0.3;
a number of an event outside the limits matches no comparison. true and false are no numbers.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import TypeAlias

from nbfaas.errors import BadPattern
from nbfaas.rules.matchers import Matcher, Test, shown
from nbfaas.rules.places import inside

Number: TypeAlias = int | float

LIMIT = 5_000_000_000
DIGITS = 6

_COMPARE: dict[str, Callable[[Number, Number], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_EXAMPLE = 'Write for example {"numeric": [">=", 0, "<", 100]}.'


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def comparable(value: object) -> Number | None:
    """The number as EventBridge compares it, or None if the value is none that it compares."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if not -LIMIT <= value <= LIMIT:
        return None
    return round(value, DIGITS) if isinstance(value, float) else value


def checked_number(value: object, place: str) -> Number:
    """A number of a pattern, if it can be compared; else BadPattern."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadPattern(place, f"{shown(value)} is no number", _EXAMPLE)
    if not math.isfinite(value) or abs(value) > LIMIT:
        raise BadPattern(place, f"{value!r} is not between -5e9 and 5e9", "Use a smaller number.")
    number = comparable(value)
    if number is None or number != value:
        raise BadPattern(
            place,
            f"{value!r} has more than {DIGITS} digits after the point",
            f"Numbers are compared with {DIGITS}: write {number!r}.",
        )
    return number


def other_than(numbers: list[Number]) -> Test:
    """``anything-but`` of numbers."""
    refused = frozenset(numbers)
    return lambda found: comparable(found) not in refused


def numeric(terms: object, place: str) -> Matcher:
    """``["=", 5]``, ``["<", 10]``, or a range from below: ``[">", 0, "<=", 5]``."""
    if not isinstance(terms, list) or not terms:
        raise BadPattern(place, f"{shown(terms)} is no list of an operator and a number", _EXAMPLE)
    if len(terms) not in (2, 4):
        problem = f"{len(terms)} entries are neither one comparison nor a range"
        raise BadPattern(place, problem, _EXAMPLE)
    comparisons = [_comparison(terms, at, place) for at in range(0, len(terms), 2)]
    if len(comparisons) == 2:
        (low_name, low), (high_name, high) = comparisons
        if low_name not in (">", ">="):
            problem = f"a range starts with > or >=, not with {low_name}"
            raise BadPattern(inside(place, 0), problem, _EXAMPLE)
        if high_name not in ("<", "<="):
            problem = f"a range ends with < or <=, not with {high_name}"
            raise BadPattern(inside(place, 2), problem, _EXAMPLE)
        if low >= high:
            raise BadPattern(place, f"{low!r} is not below {high!r}", "Give the lower bound first.")
    text = " and ".join(f"{name} {number!r}" for name, number in comparisons)
    return Matcher(text, shown({"numeric": terms}), _test(comparisons))


def _comparison(terms: list[object], at: int, place: str) -> tuple[str, Number]:
    name = terms[at]
    if not isinstance(name, str) or name not in _COMPARE:
        known = ", ".join(_COMPARE)
        problem = f"{shown(name)} is no comparison"
        raise BadPattern(inside(place, at), problem, f"Use one of {known}.")
    return name, checked_number(terms[at + 1], inside(place, at + 1))


def _test(comparisons: list[tuple[str, Number]]) -> Test:
    bounds = tuple((_COMPARE[name], number) for name, number in comparisons)

    def test(found: object) -> bool:
        number = comparable(found)
        return number is not None and all(compare(number, bound) for compare, bound in bounds)

    return test
