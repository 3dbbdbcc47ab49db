"""Array consistency: fields that hold together only within one element of each array.

"rulesForJSONEvent() will refuse to recognize any match in which any two fields are within JSON
objects that are in different elements of the same array" (Event Ruler's README). As there, fields
are taken in the order of their paths, and ``exists: false`` is judged within the elements that the
fields before it have settled on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nbfaas.rules.flatten import Elements, Values
from nbfaas.rules.parsing import Field


class _Tree:
    """The elements of some values, by array and position, outermost first."""

    __slots__ = ("arrays", "ends")

    def __init__(self, items: Iterable[Elements] = ()) -> None:
        self.ends: Elements | None = None
        self.arrays: dict[int, dict[int, _Tree]] = {}
        for elements in items:
            node = self
            for array, at in elements:
                node = node.arrays.setdefault(array, {}).setdefault(at, _Tree())
            node.ends = elements

    def within(self, chosen: dict[int, int]) -> Iterator[Elements]:
        """The elements that agree with those chosen so far."""
        stack = [self]
        while stack:
            node = stack.pop()
            if node.ends is not None:
                yield node.ends
            for array, positions in node.arrays.items():
                if array not in chosen:
                    stack.extend(positions.values())
                elif chosen[array] in positions:
                    stack.append(positions[chosen[array]])


class _Open:
    """A field that holds or not depending on the elements chosen."""

    __slots__ = ("absent_ok", "fitting", "present")

    def __init__(self, fitting: list[Elements], present: list[Elements], absent_ok: bool) -> None:
        self.fitting = _Tree(fitting)
        self.present = _Tree(present)
        self.absent_ok = absent_ok


def hold_together(fields: Iterable[Field], values: Values) -> bool:
    """Whether elements can be chosen so that all fields hold; ``fields`` ordered by path."""
    still_open = []
    for field in fields:
        items = values.found.get(field.path, [])
        test = field.test
        fitting = [elements for value, elements in items if test is not None and test(value)]
        if () in fitting or (field.absent_ok and not items):
            continue  # holds whatever elements are chosen
        if not fitting and not field.absent_ok:
            return False
        present = [elements for _, elements in items]
        still_open.append(_Open(fitting, present, field.absent_ok))
    return all(_choose(group, 0, {}) for group in _groups(still_open))


def _groups(fields: list[_Open]) -> list[list[_Open]]:
    """Fields that share no array do not depend on each other, and are settled apart."""
    groups: list[tuple[set[int], list[_Open]]] = []
    for field in fields:
        arrays, members = set(field.present.arrays), [field]
        apart = []
        for group in groups:
            if group[0] & arrays:
                arrays, members = group[0] | arrays, group[1] + members
            else:
                apart.append(group)
        groups = [*apart, (arrays, members)]
    return [members for _, members in groups]


def _choose(fields: list[_Open], at: int, chosen: dict[int, int]) -> bool:
    if at == len(fields):
        return True
    field = fields[at]
    for elements in field.fitting.within(chosen):
        if _choose(fields, at + 1, {**chosen, **dict(elements)}):
            return True
    if not field.absent_ok or any(True for _ in field.present.within(chosen)):
        return False
    return _choose(fields, at + 1, chosen)
