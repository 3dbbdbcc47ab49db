"""Matchers: what one leaf of a pattern wants of one value. Numbers, wildcards and networks have
files of their own.

Sources, for the whole package: "Comparison operators for use in event patterns" and "Event pattern
syntax" in the Amazon EventBridge user guide, and the README of Event Ruler (aws/event-ruler), the
engine of EventBridge, whose compiler decides where the two are silent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

Test: TypeAlias = Callable[[object], bool]

# An exact matcher of null has the key None, so "no key" needs a value of its own.
NO_KEY: Hashable = ("no key",)


@dataclass(frozen=True, slots=True)
class Matcher:
    """One entry of a leaf's list.

    ``text`` is for people (``starts with "a"``), ``json`` the entry as it was written. ``test``
    says whether a value will do; None for ``{"exists": false}``, which no value satisfies. ``key``
    is set for an exact value and ``prefix`` for a prefix, so that an index can look it up.
    """

    text: str
    json: str
    test: Test | None
    key: Hashable = NO_KEY
    prefix: str = ""


def shown(value: object) -> str:
    """A value as JSON, for messages and explanations."""
    return json.dumps(value, ensure_ascii=False, default=repr)


def any_text(values: Iterable[object]) -> str:
    """``"a", "b" or "c"``"""
    texts = [shown(value) for value in values]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"


def exact_key(value: object) -> Hashable:
    """Equal for values that are equal to EventBridge: 300 and 300.0 are, 1 and true are not."""
    return (value,) if value is True or value is False else value


def exact(value: object) -> Matcher:
    """Equal to the value, character by character for strings, by value for numbers."""
    key = exact_key(value)
    return Matcher(shown(value), shown(value), lambda found: exact_key(found) == key, key)


def exists(wanted: bool, source: str) -> Matcher:
    """Any value at all, null included; or none. An object or an empty array is no value."""
    if wanted:
        return Matcher("any value", source, lambda _: True)
    return Matcher("no value", source, None)


def starts_with(prefix: str) -> Test:
    return lambda found: isinstance(found, str) and found.startswith(prefix)


def ends_with(suffix: str) -> Test:
    return lambda found: isinstance(found, str) and found.endswith(suffix)


def starts_with_any_case(prefix: str) -> Test:
    folded = prefix.casefold()
    return lambda found: isinstance(found, str) and found.casefold().startswith(folded)


def ends_with_any_case(suffix: str) -> Test:
    folded = suffix.casefold()
    return lambda found: isinstance(found, str) and found.casefold().endswith(folded)


def equals_any_case(text: str) -> Test:
    folded = text.casefold()
    return lambda found: isinstance(found, str) and found.casefold() == folded


def none_of(tests: Iterable[Test]) -> Test:
    """``anything-but``: a value that is there, of whatever type, and fails all the tests."""
    refused = tuple(tests)
    if len(refused) == 1:
        (only,) = refused
        return lambda found: not only(found)
    return lambda found: not any(test(found) for test in refused)


def any_of(matchers: Iterable[Matcher]) -> Test | None:
    """One test for a leaf's whole list; None if only the absence of a value will do."""
    exacts = set()
    others: list[Test] = []
    for matcher in matchers:
        if matcher.key != NO_KEY:
            exacts.add(matcher.key)
        elif matcher.test is not None:
            others.append(matcher.test)
    keys, tests = frozenset(exacts), tuple(others)
    if not tests:
        return (lambda found: exact_key(found) in keys) if keys else None
    if not keys and len(tests) == 1:
        return tests[0]
    return lambda found: exact_key(found) in keys or any(test(found) for test in tests)
