"""How many events a second are matched against many rules of which one matches.

    python benchmarks/rules_match.py [rules] [events]

Prints events/s for the index, beside that for trying every pattern. Then one pattern alone, beside
the package event-ruler (Go behind one function that takes JSON text; it has no index and knows no
operators but exists) if it is installed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from nbfaas.rules import Pattern, RuleIndex

Event = dict[str, Any]


def rule(number: int) -> dict[str, Any]:
    """Patterns of several kinds: a type of their own, a customer, a region; one matches."""
    kinds: tuple[dict[str, Any], ...] = (
        {"type": [f"order.{number}"], "data": {"total": [{"numeric": [">", 10]}]}},
        {"type": ["order.created"], "data": {"customer": {"id": [number]}}},
        {"source": [{"prefix": f"/shop/{number}/"}], "type": ["order.created"]},
        {
            "source": ["/shop/eu"],
            "data": {"sku": [f"sku-{number}"], "state": [{"anything-but": "draft"}]},
        },
    )
    return kinds[number % len(kinds)]


def event(number: int, rules: int) -> Event:
    """An event with twelve fields, which exactly one of the rules matches."""
    total = rules // 4 * 4
    return {
        "specversion": "1.0",
        "id": f"event-{number}",
        "source": "/shop/eu",
        "type": "order.created",
        "subject": f"orders/{number}",
        "time": "2026-01-01T12:00:00Z",
        "datacontenttype": "application/json",
        "data": {
            "id": number,
            "total": 42.5,
            "state": "paid",
            "sku": "none",
            "customer": {"id": number * 4 % total + 1, "name": "Ada", "country": "DE"},
            "lines": [{"sku": "a", "count": 1}, {"sku": "b", "count": 2}],
        },
    }


def rate(match: Callable[[Event], Iterable[str]], events: list[Event]) -> float:
    """Events a second; every event must match one rule."""
    start = time.perf_counter()
    for each in events:
        (_,) = match(each)
    return len(events) / (time.perf_counter() - start)


def main(rules: int, count: int) -> None:
    events = [event(number, rules) for number in range(count)]
    patterns = {f"rule-{number}": Pattern.parse(rule(number)) for number in range(rules)}
    index = RuleIndex()
    start = time.perf_counter()
    for name, pattern in patterns.items():
        index.add(name, pattern)
    added = time.perf_counter() - start

    def unindexed(each: Event) -> list[str]:
        return [name for name, pattern in patterns.items() if pattern.matches(each)]

    best = max(rate(index.match, events) for _ in range(3))
    print(f"{rules:,} rules, each event matches one; {index!r}, made in {added * 1e3:.1f} ms")
    print(f"{'indexed':>22}: {best:>12,.0f} events/s")
    few = events[: max(1, count // 500)]
    print(f"{'every pattern tried':>22}: {rate(unindexed, few):>12,.0f} events/s")
    exact = next(pattern for pattern in patterns.values() if pattern.matches(events[0]))
    alone(exact, events[0])


def alone(pattern: Pattern, one: Event) -> None:
    """One pattern of exact values (the peer reads no others), the event as JSON text."""
    text, tries = json.dumps(one), 20_000
    ways: dict[str, Callable[[], object]] = {
        "one pattern alone": lambda: pattern.matches(one),
        "with JSON read": lambda: pattern.matches(json.loads(text)),
    }
    try:
        from event_ruler import event_ruler
    except ImportError:
        print(f"{'event-ruler (PyPI)':>22}: not installed (pip install event-ruler)")
    else:
        ways["event-ruler (PyPI)"] = lambda: event_ruler.test_event_pattern(text, pattern.source)
    for name, way in ways.items():
        assert way(), name
        start = time.perf_counter()
        for _ in range(tries):
            way()
        print(f"{name:>22}: {tries / (time.perf_counter() - start):>12,.0f} events/s")


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 50_000,
    )
