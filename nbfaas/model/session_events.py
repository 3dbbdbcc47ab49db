"""Triggers and queues of a server, as the notebook that works on it is told of them: JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from nbfaas.model.delivery import DeliveryPolicy
from nbfaas.model.trigger_spec import TriggerSpec


class FunctionRef(msgspec.Struct, frozen=True):
    """What a trigger runs: what was uploaded under ``key``, or what is ``served`` by that name."""

    key: str
    served: bool


class NewTrigger(msgspec.Struct, frozen=True):
    """A trigger that a notebook asks for. ``maker`` is made up by it, and tells this trigger from
    others of its name; ``url`` is a queue's, with credentials. ``destinations`` are the functions
    that the ``spec`` names as such, ``destination_urls`` the URLs, with credentials, by the names
    of the destinations' triggers."""

    spec: TriggerSpec
    maker: str
    function: FunctionRef
    destinations: dict[str, FunctionRef] = {}
    url: str | None = None
    destination_urls: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<NewTrigger {self.spec.name}: {self.spec}>"


class TriggerRow(msgspec.Struct, frozen=True):
    """A trigger as it stands. ``session`` is that of the notebook which has made it, with its
    ``maker``; None if it is a deployed function's."""

    name: str
    kind: str
    target: str
    shown: str
    state: str
    problem: str | None
    policy: DeliveryPolicy
    pattern: dict[str, Any] | None = None
    schedule: tuple[str | float, str] | None = None  # what it was given, and the timezone
    session: str | None = None
    maker: str | None = None


class Standing(msgspec.Struct, frozen=True):
    """All triggers, and what they have before them, by name; see ``EventStore``."""

    triggers: tuple[TriggerRow, ...]
    waiting: dict[str, int]
    oldest: dict[str, float]
    dead: dict[str, int]


class ReceiptTold(msgspec.Struct, frozen=True):
    """See ``nbfaas.triggers.receipt.Receipt``."""

    triggers: tuple[str, ...]
    duplicate: bool
