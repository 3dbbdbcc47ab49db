"""Short ways to make what an event store is given."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from nbfaas.delivery.retrying import after_waiting
from nbfaas.delivery.store import EventStore
from nbfaas.model.delivery import (
    Delivery,
    DeliveryPolicy,
    DeliveryState,
    Incoming,
    NewDelivery,
    Outcome,
    Overdue,
)

EASY = DeliveryPolicy(max_age=1e8)  # seconds; tests leap in time


def incoming(
    id_: str,
    *,
    data: object = None,
    source: str = "test",
    trigger: str | None = "orders",
    key: str | None = None,
    lease: bool = False,
    policy: DeliveryPolicy = EASY,
) -> Incoming:
    """An event with one delivery, of ``trigger``; with none if that is None."""
    body = json.dumps(
        {"specversion": "1.0", "id": id_, "source": source, "type": "made", "data": data}
    ).encode()
    made = NewDelivery(trigger or "", "function:handle", policy, key=key, lease=lease)
    return Incoming(
        source,
        id_,
        body,
        hashlib.blake2b(body, digest_size=16).digest(),
        deliveries=() if trigger is None else (made,),
    )


def done(delivery: Delivery, at: float = 1.0, **given: Any) -> Outcome:
    return Outcome(delivery.number, delivery.epoch, DeliveryState.DONE, at, **given)


def again(delivery: Delivery, at: float = 1.0, **given: Any) -> Outcome:
    return Outcome(delivery.number, delivery.epoch, DeliveryState.WAITING, at, **given)


def dead(delivery: Delivery, at: float = 1.0, **given: Any) -> Outcome:
    given.setdefault("reason", "it failed")
    return Outcome(delivery.number, delivery.epoch, DeliveryState.DEAD, at, **given)


def interrupted(delivery: Delivery, at: float = 1.0) -> Outcome:
    return again(delivery, at, error="it was closed", interrupted=True)


def expire(store: EventStore, now: float) -> list[Overdue]:
    """Let what is overdue die; returns it."""
    found = store.overdue(now).result()
    outcomes = [
        Outcome(
            each.number, each.epoch, DeliveryState.DEAD, now, expired=True,
            reason=after_waiting(each).reason,
        )
        for each in found
    ]  # fmt: skip
    assert store.settle(outcomes).result() == [True] * len(outcomes)
    return found


def id_of(delivery: Delivery) -> str:
    """The id of the delivery's event."""
    return str(json.loads(delivery.body)["id"])
