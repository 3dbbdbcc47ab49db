"""Delivery as data: what is accepted, what is to be delivered, and how each attempt ended.

One *delivery* is one event on its way to one target, because of one trigger. Times are seconds
since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec


class DeliveryState(StrEnum):
    WAITING = "waiting"  # for its turn, its backoff, or its function to be defined
    LEASED = "leased"  # an attempt has begun
    DONE = "done"
    DEAD = "dead"  # in the dead-letter queue


class DeliveryPolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """How often, and for how long, an event is delivered until it is a dead letter.

    Before attempt ``n`` (from 2) there is a delay, drawn evenly from 0 to ``initial_delay *
    backoff_coefficient ** (n - 2)`` seconds, at most ``max_delay`` (full jitter). An event older
    than ``max_age`` seconds is not tried again.
    """

    max_attempts: int = 3
    initial_delay: float = 1.0
    backoff_coefficient: float = 2.0
    max_delay: float = 300.0
    max_age: float = 6 * 3600.0


class NewDelivery(msgspec.Struct, frozen=True):
    """A delivery that an accepted event brings about.

    ``target`` is ``function:NAME`` or ``url:http…``. ``body`` is the JSON of the event as the
    target gets it, if that differs from the accepted one (an input transformer). Deliveries of one
    ``trigger`` with the same ``key`` are made one after the other. ``lease``: begin the first
    attempt in the same transaction, if its turn has come.
    """

    trigger: str
    target: str
    policy: DeliveryPolicy = DeliveryPolicy()
    key: str | None = None
    body: bytes | None = None
    lease: bool = False


class Incoming(msgspec.Struct, frozen=True):
    """An event that asks to be accepted. ``body`` is its JSON; ``digest`` tells two events with the
    same source and id apart (hash of type, subject, data, …, but not of ``time``)."""

    source: str
    id: str
    body: bytes
    digest: bytes
    depth: int = 0  # links of the chain of destinations that led here
    deliveries: tuple[NewDelivery, ...] = ()


class Delivery(msgspec.Struct, frozen=True):
    """A delivery whose attempt has been begun: journalled, and due to be dispatched."""

    number: int
    trigger: str
    target: str
    key: str | None
    epoch: int  # goes up with each attempt ever begun; a result counts only under the latest
    attempt: int  # from 1; starts anew after a redrive
    accepted_at: float
    due_at: float
    expires_at: float
    depth: int
    policy: DeliveryPolicy
    body: bytes  # the event's JSON, as the target gets it


class Overdue(msgspec.Struct, frozen=True):
    """A delivery that waits, and has grown older than its policy allows."""

    number: int
    trigger: str
    epoch: int
    attempt: int  # how many attempts were made
    accepted_at: float
    policy: DeliveryPolicy


class Accepted(msgspec.Struct, frozen=True):
    """What became of an ``Incoming``, once that is durable.

    ``duplicate``: it had been accepted before, so nothing was done. ``conflict``: another event
    with the same source and id had been; this one is refused.
    """

    number: int
    duplicate: bool = False
    conflict: bool = False
    leased: tuple[Delivery, ...] = ()


class Outcome(msgspec.Struct, frozen=True):
    """How an attempt ended, and so what becomes of the delivery.

    ``state`` is DONE, WAITING (again, at ``due_at``) or DEAD (``reason`` says why). ``emits`` are
    events of its destinations, accepted in the very transaction that ends the attempt.
    ``interrupted``: the attempt does not count, and is to be made again. ``expired``: no attempt
    has ended, but the delivery was ``Overdue`` while it waited.
    """

    number: int
    epoch: int
    state: DeliveryState
    at: float
    error: str | None = None
    due_at: float | None = None
    reason: str | None = None
    invocation: str | None = None
    sandbox: str | None = None
    wall: float | None = None
    emits: tuple[Incoming, ...] = ()
    interrupted: bool = False
    expired: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """One attempt, as it is kept. ``state``: begun, succeeded, failed, interrupted (the process
    that made it closed or died), or late (it ended after another one had begun: it did not
    count)."""

    attempt: int
    epoch: int
    state: str
    began_at: float
    ended_at: float | None
    invocation: str | None
    sandbox: str | None
    wall: float | None
    error: str | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that could not be delivered, and why."""

    number: int
    trigger: str
    target: str
    reason: str
    accepted_at: float
    died_at: float
    event: Mapping[str, Any]  # the event's JSON
    attempts: tuple[DeliveryAttempt, ...] = ()

    def __repr__(self) -> str:
        errors = [attempt.error for attempt in self.attempts if attempt.error]
        error = f": {errors[-1][:200]}" if errors else ""
        return (
            f"<DeadLetter {self.number} of {self.trigger}: {self.event.get('type')} "
            f"{self.event.get('id')}, {self.reason}{error}>"
        )


@dataclass(frozen=True, slots=True)
class TriggerQueue:
    """What a trigger has before it, as of now. ``oldest_at``: when the oldest event that is not
    delivered yet was accepted; None if there is none. ``dead``: its dead letters."""

    trigger: str
    waiting: int
    oldest_at: float | None = None
    dead: int = 0
