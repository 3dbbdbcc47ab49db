"""Events matched against 1,000 rules of which one matches, with the index and without it."""

from __future__ import annotations

from benchmarks.alone import Figures
from benchmarks.rules_match import event, rate, rule

_RULES, _EVENTS = 1000, 20_000


def measure(rounds: int) -> list[Figures]:
    return [_round() for _ in range(rounds)]


def _round() -> Figures:
    from nbfaas.rules import Pattern, RuleIndex

    events = [event(number, _RULES) for number in range(_EVENTS)]
    patterns = {f"rule-{number}": Pattern.parse(rule(number)) for number in range(_RULES)}
    index = RuleIndex()
    for name, pattern in patterns.items():
        index.add(name, pattern)

    def every(each: dict[str, object]) -> list[str]:
        return [name for name, pattern in patterns.items() if pattern.matches(each)]

    return {"indexed": rate(index.match, events), "each": rate(every, events[:200])}
