"""Triggers as data: what a server needs to make anew what a decorator of ``on`` has made."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from nbfaas.model.delivery import DeliveryPolicy

Kind = Literal["event", "schedule", "every", "file", "http", "queue"]


class DestinationSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where results or failures go: a function by its name, a type of event, or a URL. ``secret``
    says that the URL was given with credentials (or a query), which are left out here."""

    kind: Literal["function", "type", "url"]
    to: str
    secret: bool = False


class TriggerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """``on.<kind>(*arguments, **options)`` and the options that all triggers share.

    All of it is JSON. ``secret`` says that a URL among the arguments was given with credentials,
    which are left out here: whoever makes the trigger anew has to supply them.
    """

    kind: Kind
    name: str
    arguments: tuple[Any, ...] = ()
    options: dict[str, Any] = {}
    delivery: DeliveryPolicy = DeliveryPolicy()
    transform: dict[str, Any] | None = None
    ordered_by: str | None = None
    max_in_flight: int = 64
    on_success: DestinationSpec | None = None
    on_failure: DestinationSpec | None = None
    secret: bool = False

    def __str__(self) -> str:
        given = [*map(repr, self.arguments), *(f"{k}={v!r}" for k, v in self.options.items())]
        return f"on.{self.kind}({', '.join(given)})"
