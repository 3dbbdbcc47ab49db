"""Hypothesis strategies for patterns and events that often meet, and a matcher that is plain."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from nbfaas.rules.operators import read_matcher

NAMES = ("type", "a", "b", "a.b")
VALUES: tuple[Any, ...] = ("x", "xy", "", 1, 1.0, 2, True, None)

entries = st.sampled_from(
    [
        *VALUES,
        {"prefix": "x"},
        {"prefix": ""},
        {"suffix": "y"},
        {"wildcard": "x*"},
        {"anything-but": "x"},
        {"anything-but": [1, 2]},
        {"numeric": [">", 0, "<=", 1]},
        {"exists": True},
        {"exists": False},
    ]
)
leaves = st.lists(entries, min_size=1, max_size=2)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(NAMES), inner, min_size=1, max_size=3)


def _choices(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    branches = st.lists(objects(inner), min_size=2, max_size=2)
    return st.builds(lambda fields, more: {**fields, "$or": more}, objects(inner), branches)


patterns = objects(
    st.recursive(leaves, lambda inner: objects(inner) | _choices(inner), max_leaves=5)
)
events = st.dictionaries(
    st.sampled_from(NAMES),
    st.recursive(
        st.sampled_from(VALUES),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


def plainly_matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """What a pattern means, without any care for time; it can't tell places of ``$or`` apart."""
    held = list(_flat(event, "", {}, itertools.count()))
    return any(
        _hold(sorted(branch, key=lambda leaf: leaf[0]), held, {}) for branch in _spread(pattern, "")
    )


def _flat(
    node: Any, path: str, elements: dict[int, int], ids: Any
) -> Iterator[tuple[str, Any, dict[int, int]]]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _flat(value, f"{path}.{name}", elements, ids)
    elif isinstance(node, list):
        array = next(ids)
        for at, value in enumerate(node):
            nested = isinstance(value, dict | list)
            yield from _flat(value, path, {**elements, array: at} if nested else elements, ids)
    else:
        yield path, node, elements


def _spread(node: dict[str, Any], path: str) -> list[list[tuple[str, list[Any]]]]:
    spread: list[list[tuple[str, list[Any]]]] = [[]]
    for name, value in node.items():
        if name == "$or":
            more = [each for branch in value for each in _spread(branch, path)]
        elif isinstance(value, dict):
            more = _spread(value, f"{path}.{name}")
        else:
            more = [[(f"{path}.{name}", value)]]
        spread = [[*first, *second] for first in spread for second in more]
    return spread


def _hold(leaves: list[tuple[str, list[Any]]], held: list[Any], chosen: dict[int, int]) -> bool:
    if not leaves:
        return True
    (path, entries), *others = leaves
    there = [
        (value, elements)
        for at, value, elements in held
        if at == path and all(chosen.get(array, n) == n for array, n in elements.items())
    ]
    for entry in entries:
        test = read_matcher(entry, "$").test
        if test is None:
            if not there and _hold(others, held, chosen):
                return True
            continue
        for value, elements in there:
            if test(value) and _hold(others, held, {**chosen, **elements}):
                return True
    return False
