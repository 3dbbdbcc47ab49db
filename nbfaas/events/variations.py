"""How chosen fields differ from event to event of a burst. Pure.

A variation is anything with ``draw(random, index)``: ``random`` is the burst's generator, ``index``
counts the events that are no duplicates, from 0. It returns a JSON value.
"""

from __future__ import annotations

import math
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from nbfaas.agent.event import format_time
from nbfaas.errors.simulator import BadBurst


class Variation(Protocol):
    def draw(self, random: random.Random, index: int) -> Any: ...


@dataclass(frozen=True, slots=True)
class Range:
    """A number from ``low`` to ``high``, both included: a whole one if both are whole, otherwise
    with ``digits`` after the point."""

    low: float
    high: float
    digits: int = 2

    def __post_init__(self) -> None:
        for name, value in (("low", self.low), ("high", self.high)):
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not math.isfinite(value):
                raise BadBurst(f"Range.{name}", value, "it is a number")
        if self.low > self.high:
            raise BadBurst("Range.low", self.low, f"it is at most high, which is {self.high}")

    def draw(self, random: random.Random, index: int) -> float:
        if isinstance(self.low, int) and isinstance(self.high, int):
            return random.randint(self.low, self.high)
        return round(random.uniform(self.low, self.high), self.digits)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of ``values``, each as probable as its weight says."""

    values: Sequence[Any]
    weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.values, str) or not len(self.values):
            raise BadBurst("Choice.values", self.values, "it is a list of JSON values, not empty")
        weights = self.weights
        if weights is not None and (
            len(weights) != len(self.values) or min(weights) < 0 or not sum(weights)
        ):
            raise BadBurst("Choice.weights", weights, "one number for each value, not all 0")

    def draw(self, random: random.Random, index: int) -> Any:
        return random.choices(self.values, self.weights)[0]


@dataclass(frozen=True, slots=True)
class Counter:
    """``start``, ``start + step``, …; with ``text``, a text with it: ``Counter(text="A-{}")``."""

    start: int = 1
    step: int = 1
    text: str | None = None

    def __post_init__(self) -> None:
        if self.text is not None and self.text.count("{}") != 1:
            raise BadBurst("Counter.text", self.text, "it holds {} once, as in 'A-{}'")

    def draw(self, random: random.Random, index: int) -> int | str:
        number = self.start + index * self.step
        return number if self.text is None else self.text.replace("{}", str(number))


@dataclass(frozen=True, slots=True)
class Uuid:
    """A random UUID."""

    def draw(self, random: random.Random, index: int) -> str:
        return str(uuid.UUID(int=random.getrandbits(128), version=4))


@dataclass(frozen=True, slots=True)
class Times:
    """``start`` (aware), and ``every`` so many seconds later, as RFC 3339."""

    start: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    every: float = 1.0

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise BadBurst("Times.start", self.start, "it is a datetime with a timezone")

    def draw(self, random: random.Random, index: int) -> str:
        return format_time(self.start + timedelta(seconds=self.every * index))


def spoil(random: random.Random, data: Any) -> tuple[Any, str]:
    """``data`` with something broken, as careless senders do, and what it is, in words."""
    if not isinstance(data, dict) or not data:
        return (None, "data is missing") if data is not None else ([], "data is an empty list")
    name = random.choice(sorted(data))
    value = data[name]
    kind = random.choice(["missing", "null", "of another type", "data"])
    if kind == "missing" or (kind == "null" and value is None):
        return {k: v for k, v in data.items() if k != name}, f"data.{name} is missing"
    if kind == "null":
        return {**data, name: None}, f"data.{name} is null"
    if kind == "data":
        return None, "data is missing"
    if isinstance(value, str):
        return {**data, name: 4711}, f"data.{name} is a number instead of a text"
    return {**data, name: "broken"}, f"data.{name} is a text instead of {_kind(value)}"


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "a list" if isinstance(value, list) else "an object"
