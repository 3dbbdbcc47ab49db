"""A burst as it was filled in, and how it is going."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from nbfaas.agent.event import Event
from nbfaas.errors.simulator import BadBurst
from nbfaas.events import Burst, Choice, Counter, Range, Sent, Times, Uuid
from nbfaas.events.variations import Variation
from nbfaas.notebook.widgets.simulator.following import Standing, event_facts, tally

_FOLLOWED = 2_000  # events of one burst whose deliveries are counted
_LETTERS = 20  # that are listed


class Varied(msgspec.Struct):
    """A row of the form: ``options`` are texts, as typed."""

    path: str
    kind: Literal["range", "choice", "counter", "uuid", "times"]
    options: dict[str, str] = {}


class Options(msgspec.Struct):
    """``duplicates`` and ``poison`` are shares, from 0 to 1."""

    n: int
    rate: float | None = None
    seed: str = ""
    vary: list[Varied] = []
    duplicates: float = 0.0
    poison: float = 0.0


def burst_of(event: Event, options: Options) -> Burst:
    """Raises ``BadBurst``."""
    vary: dict[str, Variation] = {}
    for each in options.vary:
        if each.path in vary:
            raise BadBurst("vary", each.path, "it is there twice")
        vary[each.path] = variation(each)
    seed = options.seed.strip()
    return Burst(
        event,
        options.n,
        rate=options.rate,
        seed=(int(seed) if seed.isdecimal() else seed) if seed else None,
        vary=vary,
        duplicates=options.duplicates,
        poison=options.poison,
    )


def variation(varied: Varied) -> Variation:
    """Raises ``BadBurst``."""
    given = {name: text for name, text in varied.options.items() if text.strip()}
    path = varied.path
    if varied.kind == "range":
        low = _number(path, given, "low", 1)
        high = _number(path, given, "high", 100)
        return Range(low, high, int(_number(path, given, "digits", 2)))
    if varied.kind == "choice":
        weights = [_as_number(path, "weights", each) for each in _split(given.get("weights", ""))]
        return Choice(_values(given.get("values", "")), weights or None)
    if varied.kind == "counter":
        start, step = (int(_number(path, given, name, 1)) for name in ("start", "step"))
        return Counter(start, step, given.get("text"))
    if varied.kind == "times":
        return Times(_moment(path, given.get("start", "")), _number(path, given, "every", 1))
    return Uuid()


def _values(text: str) -> list[Any]:
    """A JSON list, or values with commas between them; what is no JSON is text."""
    try:
        found = json.loads(text)
    except ValueError:
        return [_value(each) for each in _split(text)]
    return found if isinstance(found, list) else [found]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _split(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _number(path: str, given: Mapping[str, str], name: str, default: int) -> float:
    return _as_number(path, name, given[name]) if name in given else default


def _as_number(path: str, name: str, text: str) -> float:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise BadBurst(f"vary[{path!r}].{name}", text, "it is a number") from None


def _moment(path: str, text: str) -> datetime:
    if not text:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        wanted = "it is a time, such as 2026-11-23T14:03:00Z"
        raise BadBurst(f"vary[{path!r}].start", text, wanted) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class Bursting:
    """A burst that is being sent, until all of its events are done or dead."""

    def __init__(self, burst: Burst, emit: Callable[[Event], Any]) -> None:
        self._emit = emit
        self._lock = threading.Lock()
        self._on_bus: dict[str, Event] = {}
        self._count = 0
        self._standing = Standing()
        self._settled = False
        self.events: set[str] = set()  # ids
        self.run = burst.start(self._send)

    def _send(self, event: Event) -> Any:
        sent = self._emit(event)
        with self._lock:
            self.events.add(event.id)
            # A duplicate is the same event, and one without triggers is not delivered.
            if isinstance(sent, Sent) and sent.triggers and not sent.duplicate:
                self._count += 1
                if len(self._on_bus) < _FOLLOWED:
                    self._on_bus[event.id] = event
        return getattr(sent, "receipt", sent)

    @property
    def settled(self) -> bool:
        """Whether nothing is going to change any more, as of the last ``facts()``."""
        return self._settled

    def facts(self) -> dict[str, Any]:
        """As JSON. Raises what the event store raises."""
        run = self.run
        over = run.done
        figures = run.result() if over else run.progress
        with self._lock:
            events, count = list(self._on_bus.values()), self._count
        standings = self._standing.of(events)
        letters = [
            event_facts(event)
            for event, (state, _) in zip(events, standings, strict=True)
            if state == "failed"
        ]
        self._settled = over and all(state in ("done", "failed") for state, _ in standings)
        return {
            "sending": not over,
            "settled": self._settled,
            "seed": str(run.burst.seed),
            "total": figures.total,
            "sent": figures.sent,
            "accepted": figures.accepted,
            "duplicates": figures.duplicates,
            "refused": figures.refused,
            "poison": figures.poison,
            "seconds": figures.seconds,
            "cancelled": getattr(figures, "cancelled", False),
            "unmatched": getattr(figures, "unmatched", 0),
            "reasons": dict(getattr(figures, "reasons", {})),
            "standing": tally(standings),
            "followed": len(events),
            "delivered": count,
            "letters": letters[:_LETTERS],
            "more_letters": max(0, len(letters) - _LETTERS),
        }
