"""The values of an event at the paths that patterns ask for.

Arrays are seen through, as Event Ruler does ("JSON Array Matching" in its README): the values of a
field are those of all objects of an array. Each value remembers which elements of which arrays it
came from, so that fields of different elements are not taken together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

# The elements that lead to a value, from the outermost array: (array's number, element's position).
Elements: TypeAlias = tuple[tuple[int, int], ...]

_SCALARS = (str, int, float, bool, type(None))


class Values(NamedTuple):
    """What an event holds. ``found`` has no entry for a path without a value.

    ``arrays`` tells whether any value lies in an element of an array.
    """

    found: dict[str, list[tuple[object, Elements]]]
    arrays: bool


class _Node:
    """A place in the event that leads on: ``keys`` has all keys that may occur there.

    A key of an event may have dots, as may a key of a pattern; so ``keys`` has a, a.b and a.b.c
    for the path a.b.c.
    """

    __slots__ = ("keys", "path")

    def __init__(self) -> None:
        self.keys: dict[str, _Node] = {}
        self.path: str | None = None


class Paths:
    """The paths that one pattern, or all patterns of an index, look at."""

    __slots__ = ("_nodes", "_root")

    def __init__(self, paths: Iterable[str]) -> None:
        self._root = _Node()
        self._nodes: dict[tuple[str, ...], _Node] = {(): self._root}
        for path in paths:
            self.add(path)

    def add(self, path: str) -> None:
        """Look at this path as well; keys are joined with dots."""
        steps = tuple(path.split("."))
        for end in range(1, len(steps) + 1):
            if steps[:end] in self._nodes:
                continue
            node = self._nodes[steps[:end]] = _Node()
            for start in range(end):
                self._nodes[steps[:start]].keys[".".join(steps[start:end])] = node
        self._nodes[steps].path = path

    def values(self, event: Mapping[str, Any]) -> Values:
        """The values at the paths, in the order of the event."""
        found: dict[str, list[tuple[object, Elements]]] = {}
        arrays = 0
        stack: list[tuple[Any, _Node, Elements]] = [(event, self._root, ())]
        # A stack of its own: events may nest deeper than Python's.
        while stack:
            value, node, elements = stack.pop()
            kind = type(value)
            if kind in _SCALARS:
                if node.path is not None:
                    found.setdefault(node.path, []).append((value, elements))
            elif kind is dict or isinstance(value, Mapping):
                if node.keys:
                    stack.extend((child, at, elements) for at, child in _steps(value, node.keys))
            elif isinstance(value, list | tuple):
                arrays += 1
                for at in range(len(value) - 1, -1, -1):
                    child = value[at]
                    nested = isinstance(child, Mapping | list | tuple)
                    inner = (*elements, (arrays, at)) if nested else elements
                    stack.append((child, node, inner))
            elif node.path is not None:
                found.setdefault(node.path, []).append((value, elements))
        in_arrays = arrays > 0 and any(
            elements for items in found.values() for _, elements in items
        )
        return Values(found, in_arrays)


def _steps(value: Mapping[str, Any], keys: dict[str, _Node]) -> Iterator[tuple[_Node, Any]]:
    """The keys of an object that lead on, by walking the shorter of the two."""
    if len(value) <= len(keys):
        for key, child in value.items():
            node = keys.get(key)
            if node is not None:
                yield node, child
    else:
        for key, node in keys.items():
            if key in value:
                yield node, value[key]
