"""Many patterns at once: an event is tried only against those that its values may satisfy."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nbfaas.rules.alternatives import Alternative
from nbfaas.rules.flatten import Paths, Values
from nbfaas.rules.matchers import NO_KEY, exact_key
from nbfaas.rules.parsing import Field
from nbfaas.rules.pattern import Pattern


@dataclass(frozen=True, slots=True)
class _Rule:
    """``order`` is when it was added; ``keys`` is where the index has it, empty for always."""

    name: str
    pattern: Pattern
    order: int
    keys: tuple[_Key, ...]


@dataclass(frozen=True, slots=True)
class _Key:
    """One value, or one prefix of values, of one field."""

    path: str
    value: Hashable
    is_prefix: bool


class _Table:
    """The rules that look at one field: by the value they want, and by its prefix."""

    __slots__ = ("exact", "prefixes")

    def __init__(self) -> None:
        self.exact: dict[Hashable, dict[str, _Rule]] = {}
        # By length, so that a value is cut once for each length in use.
        self.prefixes: dict[int, dict[Hashable, dict[str, _Rule]]] = {}

    def bucket(self, key: _Key) -> dict[str, _Rule]:
        if not key.is_prefix:
            return self.exact.setdefault(key.value, {})
        return self.prefixes.setdefault(len(str(key.value)), {}).setdefault(key.value, {})

    def forget(self, key: _Key, name: str) -> None:
        """Remove a rule, and what is empty without it."""
        length = len(str(key.value))
        buckets = self.prefixes[length] if key.is_prefix else self.exact
        del buckets[key.value][name]
        if not buckets[key.value]:
            del buckets[key.value]
        if key.is_prefix and not buckets:
            del self.prefixes[length]

    def candidates(self, value: object) -> Iterator[dict[str, _Rule]]:
        if bucket := self.exact.get(exact_key(value)):
            yield bucket
        if self.prefixes and isinstance(value, str):
            for length, buckets in self.prefixes.items():
                if bucket := buckets.get(value[:length]):
                    yield bucket


class RuleIndex:
    """Named patterns; ``match`` tells which of them an event matches. Not thread-safe.

    Each pattern stands at the exact values or prefixes of the field by which the fewest rules
    stand so far, for each branch of its ``$or``. Patterns without such a field are always tried.
    """

    def __init__(self) -> None:
        self._rules: dict[str, _Rule] = {}
        self._always: dict[str, _Rule] = {}
        self._tables: dict[str, _Table] = {}
        self._paths: Paths | None = Paths(())
        self._added = 0

    def add(self, name: str, pattern: Pattern) -> None:
        """Add a pattern under a name that is not in use (else ValueError)."""
        if name in self._rules:
            raise ValueError(f"there is a rule {name!r} already; remove it first")
        self._added += 1
        rule = _Rule(name, pattern, self._added, self._keys_of(pattern))
        self._rules[name] = rule
        if not rule.keys:
            self._always[name] = rule
        for key in rule.keys:
            self._tables.setdefault(key.path, _Table()).bucket(key)[name] = rule
        if self._paths is not None:
            for path in _paths_of(pattern):
                self._paths.add(path)

    def remove(self, name: str) -> None:
        """Forget a pattern; KeyError if there is none of this name."""
        rule = self._rules.pop(name)
        self._always.pop(name, None)
        for key in rule.keys:
            table = self._tables[key.path]
            table.forget(key, name)
            if not table.exact and not table.prefixes:
                del self._tables[key.path]
        self._paths = None  # made anew when the next event comes

    def match(self, event: Mapping[str, Any]) -> list[str]:
        """The names of the patterns that match, in the order in which they were added."""
        if not self._rules:
            return []
        if self._paths is None:
            rules = self._rules.values()
            self._paths = Paths(path for rule in rules for path in _paths_of(rule.pattern))
        values = self._paths.values(event)
        rules_to_try = self._candidates(values)
        if len(rules_to_try) > 1:
            rules_to_try.sort(key=lambda rule: rule.order)
        return [rule.name for rule in rules_to_try if rule.pattern.matches_values(values)]

    def _candidates(self, values: Values) -> list[_Rule]:
        candidates = dict(self._always)
        for path, items in values.found.items():
            table = self._tables.get(path)
            if table is not None:
                for value, _ in items:
                    for bucket in table.candidates(value):
                        candidates.update(bucket)
        return list(candidates.values())

    def _keys_of(self, pattern: Pattern) -> tuple[_Key, ...]:
        """Where to put a pattern so that it is found whenever it might match; () for always."""
        keys: dict[_Key, None] = {}
        for alternative in pattern.alternatives:
            best = self._best_keys(alternative)
            if not best:
                return ()
            keys.update(dict.fromkeys(best))
        return tuple(keys)

    def _best_keys(self, alternative: Alternative) -> tuple[_Key, ...]:
        """The keys of the field whose buckets hold the fewest rules."""
        possible = [keys for keys in map(_keys, alternative.fields) if keys]
        return min(possible, key=self._crowd, default=())

    def _crowd(self, keys: tuple[_Key, ...]) -> tuple[int, bool, int]:
        """How many rules stand at the keys; then exact before prefix, then few before many."""
        return (
            sum(self._standing(key) for key in keys),
            any(key.is_prefix for key in keys),
            len(keys),
        )

    def _standing(self, key: _Key) -> int:
        table = self._tables.get(key.path)
        if table is None:
            return 0
        if not key.is_prefix:
            return len(table.exact.get(key.value, ()))
        return len(table.prefixes.get(len(str(key.value)), {}).get(key.value, ()))

    def __len__(self) -> int:
        return len(self._rules)

    def __contains__(self, name: object) -> bool:
        return name in self._rules

    def __repr__(self) -> str:
        return f"RuleIndex({len(self)} rules, {len(self._always)} of them tried with every event)"


def _keys(field: Field) -> tuple[_Key, ...]:
    """The keys of a field, one of which every value that it accepts has; () if there are none."""
    keys = []
    for matcher in field.matchers:
        if matcher.key != NO_KEY:
            keys.append(_Key(field.path, matcher.key, False))
        elif matcher.prefix:
            keys.append(_Key(field.path, matcher.prefix, True))
        else:
            return ()
    return tuple(keys)


def _paths_of(pattern: Pattern) -> Iterator[str]:
    return (field.path for each in pattern.alternatives for field in each.fields)
