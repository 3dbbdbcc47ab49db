"""A pattern spread out: every way to pick one branch of each ``$or``, as a list of fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from nbfaas.rules.arrays import hold_together
from nbfaas.rules.flatten import Values
from nbfaas.rules.parsing import Choice, Field, Part
from nbfaas.rules.places import inside

Holds: TypeAlias = Callable[[Values], bool]


@dataclass(frozen=True, slots=True)
class Alternative:
    """Fields that must all hold, ordered by path; ``branches`` are the places of those picked.

    ``holds`` decides for an event; ``holds_apart`` does so as if it had no arrays of objects.
    """

    fields: tuple[Field, ...]
    branches: tuple[str, ...]
    holds: Holds
    holds_apart: Holds


def alternatives(parts: tuple[Part, ...]) -> tuple[Alternative, ...]:
    """In the order of the pattern's branches; one if there is no ``$or``."""
    return tuple(_alternative(fields, branches) for fields, branches in _spread(parts))


def _spread(parts: tuple[Part, ...]) -> list[tuple[tuple[Field, ...], tuple[str, ...]]]:
    spread: list[tuple[tuple[Field, ...], tuple[str, ...]]] = [((), ())]
    for part in parts:
        if isinstance(part, Choice):
            picks = [
                (fields, (inside(part.place, at), *branches))
                for at, branch in enumerate(part.branches)
                for fields, branches in _spread(branch)
            ]
        else:
            picks = [((part,), ())]
        spread = [
            ((*fields, *more), (*branches, *inner))
            for fields, branches in spread
            for more, inner in picks
        ]
    return spread


def _alternative(fields: tuple[Field, ...], branches: tuple[str, ...]) -> Alternative:
    ordered = tuple(sorted(fields, key=lambda field: field.path))
    # Tuples in a closure: this is the inner loop of matching.
    checks = tuple((field.path, field.test, field.absent_ok) for field in ordered)

    def holds_apart(values: Values) -> bool:
        found = values.found
        for path, test, absent_ok in checks:
            items = found.get(path)
            if items is None:
                if not absent_ok:
                    return False
            elif test is None:
                return False
            else:
                for value, _ in items:
                    if test(value):
                        break
                else:
                    return False
        return True

    def holds(values: Values) -> bool:
        return hold_together(ordered, values) if values.arrays else holds_apart(values)

    return Alternative(ordered, branches, holds, holds_apart)
