"""Events and their deliveries as the store takes them in, and how large they may be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from nbfaas.agent.event import BadEvent, Event
from nbfaas.errors.delivery import EventTooLarge
from nbfaas.model.delivery import Incoming, NewDelivery
from nbfaas.triggers.chains import depth_of, digest, encode
from nbfaas.triggers.trigger import Trigger

LARGEST_EVENT = 100_000_000  # bytes of JSON; many of them are in memory at once
LEFT_OUT = "nbfaasleftout"
"""The extension attribute of an event whose data was too large to be kept: how many bytes of JSON
the event was. Its delivery is a dead letter."""
_LARGEST_NUMBER = 2**31 - 1  # CloudEvents' largest integer


class Sized(NamedTuple):
    """An event that is no larger than it may be, with its JSON."""

    event: Event
    as_json: Mapping[str, Any]
    body: bytes


def sized(event: Event, as_json: Mapping[str, Any], *, cut: bool) -> Sized:
    """``cut``: leave the data out if the event is too large, else that raises ``BadEvent``."""
    body = encode(as_json)
    if len(body) <= LARGEST_EVENT:
        return Sized(event, as_json, body)
    if not cut:
        raise BadEvent(
            f"the event is {len(body) / 1e6:,.0f} MB of JSON, and no more than "
            f"{LARGEST_EVENT / 1e6:,.0f} MB are kept; put its data into a file, and emit the path"
        )
    event = _without_data(event, len(body))
    as_json = event.to_dict()
    return Sized(event, as_json, encode(as_json))


def incoming_of(kept: Sized, deliveries: Iterable[NewDelivery]) -> Incoming:
    event = kept.event
    return Incoming(
        event.source,
        event.id,
        kept.body,
        digest(kept.as_json),
        depth_of(event),
        tuple(deliveries),
    )


def new_delivery(trigger: Trigger, event: Event, *, lease: bool = False) -> NewDelivery:
    body = None
    if trigger.transformer is not None and LEFT_OUT not in event.extensions:
        body = _transformed(event, trigger.transformer.apply(event.to_dict()))
    key = None if trigger.ordered_by is None else trigger.ordered_by(event)
    return NewDelivery(trigger.name, trigger.kept_target, trigger.policy, key, body, lease)


def _transformed(event: Event, data: Any) -> bytes:
    try:
        body = event.replace(data=data).to_json()
    except BadEvent:  # nested too deeply now; of that the attempt is to die, and not the source
        as_json = event.to_dict()
        as_json.pop("data_base64", None)
        body = encode({**as_json, "data": data})
    if len(body) > LARGEST_EVENT:
        return _without_data(event, len(body)).to_json()
    return body


def too_large(event_id: str, size: object) -> EventTooLarge:
    """Of an event whose data was left out, with the ``size`` that it says it had."""
    return EventTooLarge(event_id, size, LARGEST_EVENT)


def _without_data(event: Event, size: int) -> Event:
    extensions = {**event.extensions, LEFT_OUT: min(size, _LARGEST_NUMBER)}
    return event.replace(data=None, extensions=extensions)
