"""Chains: the events that destinations are sent, and how long a chain may be. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from nbfaas.agent.event import BadEvent, Event
from nbfaas.delivery.retrying import Verdict
from nbfaas.errors.delivery import ResultNotJson
from nbfaas.model.delivery import Delivery
from nbfaas.triggers.trigger import Trigger

DEPTH = "nbfaasdepth"
"""The extension attribute that counts the links of a chain; it crosses URLs, too."""
_DEEPEST = 2**31 - 1  # CloudEvents' largest integer
_STAMPS = frozenset({"time", "traceparent", "tracestate"})
CAUSE = "nbfaascause"
SUCCEEDED = "nbfaas.function.succeeded"
FAILED = "nbfaas.function.failed"


def depth_of(event: Event) -> int:
    """How many links of a chain led to the event."""
    depth = event.extensions.get(DEPTH, 0)
    try:
        return min(max(0, int(depth)), _DEEPEST)  # it may come from anywhere
    except ValueError:
        return 0


class _Attributes(msgspec.Struct):
    type: str
    source: str
    id: str
    subject: str | None = None


def event_of(delivery: Delivery) -> Event:
    """The event as the target gets it. If a transformer has nested its data too deeply for an
    event, it is left out: who it is about has to be told all the same."""
    try:
        return Event.from_json(delivery.body)
    except BadEvent:
        found = msgspec.json.decode(delivery.body, type=_Attributes)
        return Event(found.type, source=found.source, id=found.id, subject=found.subject)


def encode(event: Mapping[str, Any], *, ordered: bool = False) -> bytes:
    """JSON of an event. ``ordered``: the same for equal ones."""
    try:
        return msgspec.json.encode(event, order="deterministic" if ordered else None)
    except OverflowError:  # integers of more than 64 bits
        return json.dumps(
            event, sort_keys=ordered, separators=(",", ":"), ensure_ascii=False
        ).encode()


def digest(event: Mapping[str, Any]) -> bytes:
    """Tells two events (as JSON) with one source and id apart. Their time and trace don't count:
    whoever sends an event again may stamp it again."""
    told = {name: value for name, value in event.items() if name not in _STAMPS}
    return hashlib.blake2b(encode(told, ordered=True), digest_size=16).digest()


def success_event(
    trigger: Trigger, delivery: Delivery, event: Event, value: Any, kind: str | None
) -> Event:
    """``value`` is what ``json.dumps`` takes, as for HTTP (so tuples become lists), or bytes.
    Raises ``ResultNotJson``."""
    try:
        return Event(
            kind or SUCCEEDED,
            value if isinstance(value, bytes) else json.loads(json.dumps(value, allow_nan=False)),
            source=f"nbfaas/function/{trigger.target_name}",
            id=f"{event.id}/{trigger.name}/{delivery.epoch}",
            subject=event.subject,
            extensions=_extensions(event, delivery),
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise ResultNotJson(trigger.target_name, "a destination", str(error)) from None


def failure_event(
    trigger: Trigger,
    delivery: Delivery,
    event: Event,
    error: str,
    verdict: Verdict,
    kind: str | None,
    *,
    whole: bool = True,
) -> Event:
    """Its data holds the ``error``, the ``reason`` for giving up, and the event itself; but only
    who the event is, if it is not to be ``whole``, or if with it the data would be nested too
    deeply for an event."""
    brief = {"source": event.source, "id": event.id, "type": event.type}
    data = {
        "error": error.encode("utf-8", "backslashreplace").decode(),
        "reason": verdict.reason,
        "attempts": delivery.attempt,
        "trigger": trigger.name,
        "function": trigger.target_name,
        "event": event.to_dict() if whole else brief,
    }
    try:
        return _failed(trigger, delivery, event, data, kind)
    except BadEvent:
        data["event"] = brief
        return _failed(trigger, delivery, event, data, kind)


def _failed(
    trigger: Trigger, delivery: Delivery, event: Event, data: dict[str, Any], kind: str | None
) -> Event:
    return Event(
        kind or FAILED,
        data,
        source=f"nbfaas/function/{trigger.target_name}",
        id=f"{event.id}/{trigger.name}/{delivery.epoch}/failed",
        subject=event.subject,
        extensions=_extensions(event, delivery),
    )


def _extensions(event: Event, delivery: Delivery) -> dict[str, str | int | bool]:
    found: dict[str, str | int | bool] = {
        DEPTH: min(delivery.depth + 1, _DEEPEST),
        CAUSE: f"{event.source} {event.id}",
    }
    if (traceparent := event.extensions.get("traceparent")) is not None:
        found["traceparent"] = traceparent
    return found
