"""Reading one entry of a leaf's list: a plain value or an operator."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Collection
from typing import TypeAlias

from nbfaas.errors import BadPattern
from nbfaas.rules import matchers, numbers
from nbfaas.rules.matchers import Matcher, Test, any_text, shown
from nbfaas.rules.networks import cidr
from nbfaas.rules.places import inside
from nbfaas.rules.wildcards import wildcard

Reader: TypeAlias = Callable[[object, str], Matcher]


def read_matcher(entry: object, place: str) -> Matcher:
    """One entry of a leaf's list; BadPattern if it is not valid."""
    if isinstance(entry, dict):
        name, operand = _only_item(entry, place, OPERATORS)
        return OPERATORS[name](operand, inside(place, name))
    if isinstance(entry, list):
        fix = "List the values themselves, without a list around them."
        raise BadPattern(place, "a list inside the list of wanted values", fix)
    if isinstance(entry, float) and not math.isfinite(entry):
        raise BadPattern(place, f"{entry!r} is no JSON value", "Use a finite number.")
    if entry is None or isinstance(entry, str | bool | int | float):
        return matchers.exact(entry)
    problem = f"a value of type {type(entry).__name__}"
    raise BadPattern(place, problem, "Use a string, a number, true, false, null or an operator.")


def _only_item(
    entry: dict[object, object], place: str, known: Collection[str]
) -> tuple[str, object]:
    """The operator and its operand, or BadPattern that names the nearest operator."""
    names = ", ".join(known)
    if len(entry) != 1:
        problem = f"{len(entry)} operators in one object"
        raise BadPattern(place, problem, f"Each object of the list holds one of: {names}.")
    ((name, operand),) = entry.items()
    if isinstance(name, str) and name in known:
        return name, operand
    near = difflib.get_close_matches(str(name).lower().replace("_", "-"), known, n=1)
    fix = f"Did you mean {near[0]!r}? " if near else ""
    problem = f"there is no operator {shown(name)} here"
    raise BadPattern(inside(place, str(name)), problem, f"{fix}Operators: {names}.")


def _text(operand: object, place: str) -> str:
    if not isinstance(operand, str):
        raise BadPattern(place, f"{shown(operand)} is no string", "This operator takes a string.")
    return operand


def _prefix(operand: object, place: str) -> Matcher:
    source = shown({"prefix": operand})
    if isinstance(operand, dict):
        text = _any_case(operand, place)
        wanted = f"starts with {shown(text)} (any case)"
        return Matcher(wanted, source, matchers.starts_with_any_case(text))
    text = _text(operand, place)
    return Matcher(f"starts with {shown(text)}", source, matchers.starts_with(text), prefix=text)


def _suffix(operand: object, place: str) -> Matcher:
    source = shown({"suffix": operand})
    if isinstance(operand, dict):
        text = _any_case(operand, place)
        return Matcher(
            f"ends with {shown(text)} (any case)", source, matchers.ends_with_any_case(text)
        )
    text = _text(operand, place)
    return Matcher(f"ends with {shown(text)}", source, matchers.ends_with(text))


def _any_case(operand: dict[object, object], place: str) -> str:
    """``{"prefix": {"equals-ignore-case": "a"}}``"""
    name, text = _only_item(operand, place, ("equals-ignore-case",))
    return _text(text, inside(place, name))


def _equals_ignore_case(operand: object, place: str) -> Matcher:
    text = _text(operand, place)
    source = shown({"equals-ignore-case": text})
    return Matcher(f"{shown(text)} (any case)", source, matchers.equals_any_case(text))


def _wildcard(operand: object, place: str) -> Matcher:
    text = _text(operand, place)
    return Matcher(f"like {shown(text)}", shown({"wildcard": text}), wildcard(text, place))


def _exists(operand: object, place: str) -> Matcher:
    if not isinstance(operand, bool):
        raise BadPattern(place, f"{shown(operand)} is neither true nor false", "Write one of them.")
    return matchers.exists(operand, shown({"exists": operand}))


def _anything_but(operand: object, place: str) -> Matcher:
    """Strings, numbers, or an operator on one or many strings; anything that is none of them."""
    source = shown({"anything-but": operand})
    if isinstance(operand, dict):
        name, value = _only_item(operand, place, REFUSABLE)
        what, test = REFUSABLE[name]
        at = inside(place, name)
        texts = _texts(value, at, name)
        refused = [test(text, spot) for text, spot in texts]
        wanted = f"anything but {what}{any_text(text for text, _ in texts)}"
        return Matcher(wanted, source, matchers.none_of(refused))
    values = operand if isinstance(operand, list) else [operand]
    wanted = f"anything but {any_text(values)}" if values else ""
    if values and all(isinstance(value, str) for value in values):
        refused_texts = frozenset(values)
        return Matcher(
            wanted,
            source,
            lambda found: not isinstance(found, str) or found not in refused_texts,
        )
    if values and all(numbers.is_number(value) for value in values):
        places = _places(operand, place)
        found = [numbers.checked_number(*pair) for pair in zip(values, places, strict=True)]
        return Matcher(wanted, source, numbers.other_than(found))
    raise BadPattern(
        place,
        f"{shown(operand)} is neither strings only nor numbers only",
        "Give a string, a number, a list of strings, a list of numbers, or one of: "
        f"{', '.join(REFUSABLE)}. null, true and false can't be refused.",
    )


def _places(operand: object, place: str) -> list[str]:
    if isinstance(operand, list):
        return [inside(place, at) for at in range(len(operand))]
    return [place]


def _texts(operand: object, place: str, name: str) -> list[tuple[str, str]]:
    """The strings after a refused operator, each with its place; one string or a list of them."""
    values = operand if isinstance(operand, list) else [operand]
    if not values:
        raise BadPattern(place, "an empty list refuses nothing", "Give a string or some.")
    texts = [
        (_text(value, spot), spot)
        for value, spot in zip(values, _places(operand, place), strict=True)
    ]
    for text, spot in texts:
        if not text and name in ("prefix", "suffix"):
            problem = f"every string has the empty {name}"
            raise BadPattern(spot, problem, "Nothing would match; give at least one character.")
    return texts


Operand: TypeAlias = tuple[str, Callable[[str, str], Test]]

OPERATORS: dict[str, Reader] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "anything-but": _anything_but,
    "numeric": numbers.numeric,
    "cidr": cidr,
    "exists": _exists,
}

REFUSABLE: dict[str, Operand] = {
    "prefix": ("what starts with ", lambda text, _: matchers.starts_with(text)),
    "suffix": ("what ends with ", lambda text, _: matchers.ends_with(text)),
    "equals-ignore-case": ("(any case) ", lambda text, _: matchers.equals_any_case(text)),
    "wildcard": ("what is like ", wildcard),
}
