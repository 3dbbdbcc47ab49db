"""Why a pattern matches an event or does not, leaf by leaf; for people and for widgets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nbfaas.rules.alternatives import Alternative
from nbfaas.rules.flatten import Values
from nbfaas.rules.matchers import shown
from nbfaas.rules.parsing import Choice, Field, Part
from nbfaas.rules.places import inside

_SHOWN_VALUES = 3
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf of a pattern and what the event has there.

    ``path`` is the field's (``data.total``), ``place`` the leaf's in the pattern, ``branch`` that
    of the innermost ``$or`` branch around it. ``wanted`` is readable, ``json`` as it was written.
    ``found`` holds all values, none if the field is absent. ``matched`` is about this leaf alone,
    except that the leaves that made a pattern match have matched.
    """

    path: str
    place: str
    wanted: str
    json: str
    found: tuple[Any, ...]
    matched: bool
    branch: str | None = None

    @property
    def absent(self) -> bool:
        """Whether the event has no value there."""
        return not self.found

    def __str__(self) -> str:
        mark = "✓" if self.matched else "✗"
        return f"{mark} {self.path}: wanted {self.wanted}, found {_found(self.found)}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "path": self.path,
            "place": self.place,
            "wanted": self.wanted,
            "json": self.json,
            "found": list(self.found),
            "absent": self.absent,
            "matched": self.matched,
            "branch": self.branch,
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether a pattern matches an event, and each leaf's part in it, in the pattern's order.

    ``branches`` are the places of the ``$or`` branches that made it match; ``note`` says what no
    single leaf can: that the leaves match in different elements of an array.
    """

    matched: bool
    leaves: tuple[Leaf, ...]
    branches: tuple[str, ...] = ()
    note: str = ""

    def __bool__(self) -> bool:
        return self.matched

    def __str__(self) -> str:
        lines = ["✓ the pattern matches" if self.matched else "✗ the pattern does not match"]
        branch = None
        for leaf in self.leaves:
            if leaf.branch != branch and leaf.branch is not None:
                chosen = " (this one decides)" if leaf.branch in self.branches else ""
                lines.append(f"  {leaf.branch}{chosen}")
            branch = leaf.branch
            lines.append(f"  {'  ' if branch else ''}{leaf}")
        if self.note:
            lines.append(f"  {self.note}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "matched": self.matched,
            "leaves": [leaf.to_dict() for leaf in self.leaves],
            "branches": list(self.branches),
            "note": self.note,
        }


def explain(
    parts: tuple[Part, ...], alternatives: tuple[Alternative, ...], values: Values
) -> Explanation:
    """What ``Pattern.explain`` returns, from the event's values."""
    winner = next((each for each in alternatives if each.holds(values)), None)
    decisive = {field.place for field in winner.fields} if winner else set()
    leaves = tuple(
        _leaf(field, branch, values, field.place in decisive) for field, branch in _fields(parts)
    )
    note = ""
    if winner is None and any(each.holds_apart(values) for each in alternatives):
        note = "Each field matches, but not all in the same element of an array."
    return Explanation(winner is not None, leaves, winner.branches if winner else (), note)


def _fields(
    parts: tuple[Part, ...], branch: str | None = None
) -> Iterator[tuple[Field, str | None]]:
    for part in parts:
        if isinstance(part, Choice):
            for at, inner in enumerate(part.branches):
                yield from _fields(inner, inside(part.place, at))
        else:
            yield part, branch


def _leaf(field: Field, branch: str | None, values: Values, decisive: bool) -> Leaf:
    found = tuple(value for value, _ in values.found.get(field.path, ()))
    test = field.test
    if found:
        matched = decisive or (test is not None and any(test(value) for value in found))
    else:
        matched = field.absent_ok
    wanted = " or ".join(matcher.text for matcher in field.matchers)
    json = f"[{', '.join(matcher.json for matcher in field.matchers)}]"
    return Leaf(field.path, field.place, wanted, json, found, matched, branch)


def _found(values: tuple[Any, ...]) -> str:
    if not values:
        return "nothing"
    texts = [shown(value) for value in values[:_SHOWN_VALUES]]
    texts = [
        text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
        for text in texts
    ]
    more = len(values) - len(texts)
    return ", ".join(texts) + (f" and {more} more" if more else "")
