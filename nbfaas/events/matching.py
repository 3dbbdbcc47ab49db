"""Which rules match an event, and why others don't."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbfaas.agent.event import Event
from nbfaas.rules import Explanation, Leaf, Pattern


@dataclass(frozen=True, slots=True, repr=False)
class PatternTest:
    """A pattern tried on an event; true if it matches. ``explain()`` shows each leaf, with what it
    wants and what it found."""

    pattern: Pattern
    event: Mapping[str, Any]
    explanation: Explanation

    @property
    def matched(self) -> bool:
        return self.explanation.matched

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return self.explanation.leaves

    def explain(self) -> Explanation:
        return self.explanation

    def to_dict(self) -> dict[str, Any]:
        """As JSON: ``pattern``, ``event``, and what the explanation has."""
        return {
            "pattern": self.pattern.to_dict(),
            "event": dict(self.event),
            **self.explanation.to_dict(),
        }

    def __bool__(self) -> bool:
        return self.matched

    def __repr__(self) -> str:
        return str(self.explanation)


@dataclass(frozen=True, slots=True)
class TriggerMatch:
    """Whether a trigger takes an event from the bus; true if it does. ``explanation`` is None where
    it has no pattern: then ``note`` says what it takes instead. ``paused``: it would wait."""

    trigger: str
    kind: str
    target: str
    shown: str
    matched: bool
    explanation: Explanation | None = None
    note: str = ""
    paused: bool = False

    @property
    def failed(self) -> tuple[Leaf, ...]:
        """The leaves that did not match."""
        leaves = () if self.explanation is None else self.explanation.leaves
        return tuple(leaf for leaf in leaves if not leaf.matched)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "trigger": self.trigger,
            "kind": self.kind,
            "target": self.target,
            "shown": self.shown,
            "matched": self.matched,
            "explanation": None if self.explanation is None else self.explanation.to_dict(),
            "note": self.note,
            "paused": self.paused,
        }

    def __bool__(self) -> bool:
        return self.matched

    def __repr__(self) -> str:
        paused = " (paused)" if self.paused else ""
        lines = [f"{'✓' if self.matched else '✗'} {self.trigger} → {self.target}{paused}"]
        if not self.matched:
            lines += [f"    {leaf}" for leaf in self.failed]
            note = self.note or (self.explanation.note if self.explanation is not None else "")
            lines += [f"    {note}"] if note else []
        return "\n".join(lines)


class TriggerMatches(tuple[TriggerMatch, ...]):
    """One for each trigger, those that match first."""

    __slots__ = ()

    @property
    def matched(self) -> tuple[TriggerMatch, ...]:
        return tuple(each for each in self if each.matched)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self)) or "no triggers"


def test_pattern(
    pattern: Pattern | Mapping[str, Any] | str, event: Event | Mapping[str, Any] | str
) -> PatternTest:
    """Whether ``pattern`` matches ``event``: ``nbfaas.test_pattern(…, …).explain()``.

    The pattern is what ``nbfaas.on.event`` takes: an EventBridge pattern, its JSON, or, for short,
    a type. The event is an ``Event``, its JSON as a dict, or the name of a saved one. Raises
    ``BadPattern``, and what ``nbfaas.events.load`` raises.
    """
    compiled = _compiled(pattern)
    found = _event(event)
    return PatternTest(compiled, found, compiled.explain(found))


test_pattern.__test__ = False  # type: ignore[attr-defined]  # for pytest: it is none of its tests


def which(event: Event | Mapping[str, Any] | str) -> TriggerMatches:
    """For each trigger of this process, whether its pattern matches ``event`` (see
    ``test_pattern``), and which leaves failed if not."""
    from nbfaas.remote.triggers import triggers
    from nbfaas.triggers.trigger import TriggerState

    found = _event(event)
    matches = []
    for handle in triggers:
        explanation, note = None, ""
        if handle.pattern is not None:
            explanation = handle.pattern.explain(found)
        elif handle.kind == "destination":
            note = f"it gets what goes on from another trigger only ({handle.shown})"
        else:
            note = f"it takes nothing from the bus, only from its own source ({handle.shown})"
        matches.append(
            TriggerMatch(
                handle.name,
                handle.kind,
                handle.target,
                handle.shown,
                matched=explanation is not None and explanation.matched,
                explanation=explanation,
                note=note,
                paused=handle.state is TriggerState.PAUSED,
            )
        )
    return TriggerMatches(sorted(matches, key=lambda each: not each.matched))


def _compiled(pattern: Pattern | Mapping[str, Any] | str) -> Pattern:
    if isinstance(pattern, Pattern):
        return pattern
    if isinstance(pattern, str) and pattern and not pattern.lstrip().startswith("{"):
        pattern = {"type": [pattern]}
    return Pattern.parse(pattern)


def _event(event: Event | Mapping[str, Any] | str) -> Mapping[str, Any]:
    if isinstance(event, str):
        from nbfaas.events.project import load

        event = load(event)
    return event.to_dict() if isinstance(event, Event) else event
