"""Reading a pattern: from JSON to fields that must hold together, and choices between them.

An object nests, a list is a leaf, everything else is refused; so are empty objects and empty lists
("Event pattern syntax" in the EventBridge user guide). Keys are joined with dots: ``{"a.b": [1]}``
and ``{"a": {"b": [1]}}`` are the same pattern ("Compiled rules and JSON keys with dots" in Event
Ruler's README).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from nbfaas.errors import BadPattern
from nbfaas.rules.matchers import Matcher, Test, any_of, shown
from nbfaas.rules.operators import OPERATORS, read_matcher
from nbfaas.rules.places import ROOT, inside

OR = "$or"
MOST_STEPS = 100
MOST_COMBINATIONS = 1000

# Field names that keep "$or" from being a choice: see RESERVED_FIELD_NAMES_IN_OR_RELATIONSHIP
# in Event Ruler's Constants.java, which its README names as the rule.
_RESERVED = frozenset(OPERATORS) | {
    *("exactly", "=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case"),
    *("date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"),
    *("ip-address-in-range", "ip-address-not-in-range"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """A leaf: one of ``matchers`` must accept a value at ``path`` (keys joined with dots).

    ``place`` is where the leaf stands in the pattern. ``test`` accepts a value; it is None, and
    ``absent_ok`` true, if only the absence of one will do.
    """

    path: str
    place: str
    matchers: tuple[Matcher, ...]
    test: Test | None
    absent_ok: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """``$or``: one of the branches must hold. ``place`` is that of the list."""

    place: str
    branches: tuple[tuple[Part, ...], ...]


Part: TypeAlias = Field | Choice


def load(text: str) -> Any:
    """JSON text as values; BadPattern says where it ends to be JSON."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise BadPattern(ROOT, f"this is not JSON: {error.msg}, at {place}") from None
    except RecursionError:
        _too_deep(ROOT)


def _no_constant(name: str) -> NoReturn:
    raise BadPattern(ROOT, f"{name} is no JSON value", "Use a finite number.")


def _too_deep(place: str) -> NoReturn:
    problem = f"the pattern is nested more than {MOST_STEPS} levels deep"
    raise BadPattern(place, problem, "Name fewer levels.")


def read(pattern: object) -> tuple[Part, ...]:
    """The parts of a pattern, all of which must hold; BadPattern names what is wrong, and where."""
    if not isinstance(pattern, dict):
        fix = 'Write for example {"type": ["order.created"]}.'
        raise BadPattern(ROOT, f"{shown(pattern)} is no object", fix)
    reading = _Reading()
    parts = reading.all_of(pattern, (), ROOT)
    if reading.choices and reading.plain:
        raise BadPattern(
            reading.plain[0],
            f"{OR} is a field's name here, and a choice at {reading.choices[0]}",
            f"One pattern can use {OR} in one way only.",
        )
    if combinations(parts) > MOST_COMBINATIONS:
        raise BadPattern(
            reading.choices[0],
            f"the branches of {OR} make {combinations(parts)} combinations",
            f"EventBridge allows {MOST_COMBINATIONS}; split the rule into several.",
        )
    return parts


def combinations(parts: tuple[Part, ...]) -> int:
    """How many ways there are to pick one branch of each ``$or``."""
    product = 1
    for part in parts:
        if isinstance(part, Choice):
            product *= sum(combinations(branch) for branch in part.branches)
    return product


class _Reading:
    """One pattern being read: remembers in which ways ``$or`` was met."""

    def __init__(self) -> None:
        self.choices: list[str] = []
        self.plain: list[str] = []

    def all_of(self, node: dict[Any, Any], steps: tuple[str, ...], place: str) -> tuple[Part, ...]:
        if not node:
            raise BadPattern(
                place,
                "an empty object",
                'Name at least one field; {"type": [{"prefix": ""}]} matches every event.',
            )
        parts: list[Part] = []
        for key, value in node.items():
            at = inside(place, str(key))
            if not isinstance(key, str):
                problem = f"the field name {key!r} is no string"
                raise BadPattern(at, problem, "Write the name in quotes.")
            # Keys with dots stand for several steps.
            path = (*steps, *key.split("."))
            if len(path) > MOST_STEPS:
                _too_deep(place)
            if key == OR:
                parts += self.choice(value, steps, path, at)
            else:
                parts += self.value(key, value, path, at)
        return tuple(parts)

    def value(self, key: str, value: object, path: tuple[str, ...], place: str) -> tuple[Part, ...]:
        if isinstance(value, dict):
            return self.all_of(value, path, place)
        if isinstance(value, list):
            return (_field(value, path, place),)
        if key in OPERATORS:
            problem = f"the operator {key!r} stands outside a list"
            fix = f'Write "{path[-2] if len(path) > 1 else "field"}": [{shown({key: value})}].'
            raise BadPattern(place, problem, fix)
        problem = f"{shown(value)} is neither a list nor an object"
        raise BadPattern(place, problem, f'Write "{key}": [{shown(value)}].')

    def choice(
        self, value: object, steps: tuple[str, ...], path: tuple[str, ...], place: str
    ) -> tuple[Part, ...]:
        """``$or``: a choice if it is a list of two patterns or more, else a field of that name.

        "Ruler recognizes "Or" relationship only when …" in Event Ruler's README.
        """
        why = _why_no_choice(value)
        if why is None and isinstance(value, list):
            self.choices.append(place)
            branches = tuple(
                self.all_of(branch, steps, inside(place, at)) for at, branch in enumerate(value)
            )
            return (Choice(place, branches),)
        self.plain.append(place)
        try:
            return self.value(OR, value, path, place)
        except BadPattern as error:
            if not isinstance(value, list):
                raise
            fix = f"{OR} takes a list of two patterns or more."
            raise BadPattern(place, f"{why}, and as a field's name: {error.problem}", fix) from None


def _why_no_choice(value: object) -> str | None:
    """Why Event Ruler takes ``$or`` for a field's name; None if it does not."""
    if not isinstance(value, list):
        return f"{OR} is no list"
    if len(value) < 2:
        return f"{OR} is no choice with {len(value)} pattern{'s' * (len(value) != 1)}"
    if not all(isinstance(branch, dict) for branch in value):
        return f"{OR} is no choice, as not all its entries are patterns"
    names = sorted(_names(value) & _RESERVED)
    if names:
        return f"{OR} is no choice, as one of its fields has the reserved name {names[0]!r}"
    return None


def _names(value: object) -> set[str]:
    """The field names in the branches of a ``$or``, at every level down to the leaves."""
    if isinstance(value, dict):
        found = {name for name in value if isinstance(name, str)}
        children = [child for name, child in value.items() if isinstance(child, dict) or name == OR]
        return found.union(*(_names(child) for child in children))
    if isinstance(value, list):
        return set().union(*(_names(child) for child in value))
    return set()


def _field(entries: list[object], path: tuple[str, ...], place: str) -> Field:
    if not entries:
        fix = 'List the values that match; [null] matches null, [""] the empty string.'
        raise BadPattern(place, "an empty list matches nothing", fix)
    matchers = tuple(read_matcher(entry, inside(place, at)) for at, entry in enumerate(entries))
    absent_ok = any(matcher.test is None for matcher in matchers)
    return Field(".".join(path), place, matchers, any_of(matchers), absent_ok)
