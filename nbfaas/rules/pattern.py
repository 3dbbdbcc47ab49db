"""Event patterns as in Amazon EventBridge, over the whole CloudEvent as JSON, ``data`` included."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbfaas.errors import BadPattern
from nbfaas.rules.alternatives import Alternative, alternatives
from nbfaas.rules.explain import Explanation, explain
from nbfaas.rules.flatten import Paths, Values
from nbfaas.rules.parsing import Part, load, read
from nbfaas.rules.places import ROOT


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pattern:
    """A compiled event pattern: immutable, equal to patterns with the same JSON, can be pickled.

    ``source`` is its JSON; ``alternatives`` and ``paths`` are for the index.
    """

    source: str
    canonical: str
    parts: tuple[Part, ...]
    alternatives: tuple[Alternative, ...]
    paths: Paths

    @classmethod
    def parse(cls, source: Mapping[str, Any] | str) -> Pattern:
        """Compile a pattern from JSON text or from what JSON text stands for.

        Raises BadPattern, which names the place. A key that JSON text repeats counts the last time.
        """
        pattern = load(source) if isinstance(source, str) else _plain(source, ROOT)
        parts = read(pattern)
        spread = alternatives(parts)
        paths = Paths(field.path for each in spread for field in each.fields)
        text = json.dumps(pattern, ensure_ascii=False)
        return cls(text, json.dumps(pattern, sort_keys=True), parts, spread, paths)

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether the event, as a JSON object, matches."""
        return self.matches_values(self.paths.values(event))

    def matches_values(self, values: Values) -> bool:
        """As ``matches``, for values that were looked up before."""
        return any(alternative.holds(values) for alternative in self.alternatives)

    def explain(self, event: Mapping[str, Any]) -> Explanation:
        """Why the event matches or does not: each leaf, what it wants and what it found."""
        return explain(self.parts, self.alternatives, self.paths.values(event))

    def to_dict(self) -> dict[str, Any]:
        """The pattern as it was given; changing it does not change the pattern."""
        loaded: dict[str, Any] = json.loads(self.source)
        return loaded

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and self.canonical == other.canonical

    def __hash__(self) -> int:
        return hash(self.canonical)

    def __repr__(self) -> str:
        return f"Pattern({self.source})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Pattern.parse, (self.source,)


def _plain(value: object, place: str) -> Any:
    """A value with the mappings and sequences of Python turned into those of JSON."""
    try:
        return _json_value(value)
    except RecursionError:
        raise BadPattern(place, "the pattern is nested too deeply", "Name fewer levels.") from None


def _json_value(value: object) -> Any:
    if isinstance(value, Mapping):
        return {key: _json_value(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(child) for child in value]
    return value
