"""A trigger: what makes events matter to a target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from nbfaas.agent.event import Event
from nbfaas.model.delivery import DeliveryPolicy
from nbfaas.model.trigger_spec import TriggerSpec
from nbfaas.model.url import without_credentials
from nbfaas.rules import Pattern, Transformer
from nbfaas.triggers.source import Source

FUNCTION = "function:"
URL = "url:"
WINDOW = 64  # attempts of one trigger that may be under way at once


def shown_target(target: str) -> str:
    """The function's name, or the URL without credentials. (Of a function that a notebook has
    brought to a server, ``function:NAME@TRIGGER``, the name: see
    ``nbfaas.server.session_triggers``.)"""
    if target.startswith(FUNCTION):
        return target.removeprefix(FUNCTION).partition("@")[0]
    return without_credentials(target.removeprefix(URL))


class TriggerState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"  # its source is stopped; what was accepted waits
    FAILING = "failing"  # its source raised, and is about to be run again


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where results and failures go: the name of a trigger without source or rule, whose target
    gets them; or the type of an event for the bus."""

    success_trigger: str | None = None
    success_type: str | None = None
    failure_trigger: str | None = None
    failure_type: str | None = None

    @property
    def triggers(self) -> tuple[str, ...]:
        """The names of the triggers."""
        return tuple(name for name in (self.success_trigger, self.failure_trigger) if name)

    @property
    def of_failure(self) -> bool:
        """Whether anybody is told of failures."""
        return bool(self.failure_trigger or self.failure_type)

    def __bool__(self) -> bool:
        return any((self.success_trigger, self.success_type, self.failure_trigger,
                    self.failure_type))  # fmt: skip


@dataclass(slots=True, eq=False)
class Trigger:
    """``target`` is ``function:NAME`` or ``url:http…``, that with credentials if there are any, and
    so not to be shown.

    Its events come from its own ``source``, from the bus if ``pattern`` matches them, or, with
    neither, from the destinations of other triggers. ``shown`` is what listings show of it.
    """

    name: str
    kind: str
    target: str
    shown: str
    source: Source | None = None
    pattern: Pattern | None = None
    transformer: Transformer | None = None
    policy: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    ordered_by: Callable[[Event], str | None] | None = None
    destinations: Destinations = field(default_factory=Destinations)
    window: int = WINDOW
    state: TriggerState = TriggerState.ACTIVE
    problem: str | None = None  # what its source raised last
    spec: TriggerSpec | None = None  # what it is made of; None for those of destinations

    @property
    def target_name(self) -> str:
        """The function's name, or the URL without credentials."""
        return shown_target(self.target)

    @property
    def kept_target(self) -> str:
        """The target, as it may be stored and told."""
        return URL + self.target_name if self.target.startswith(URL) else self.target

    def __repr__(self) -> str:
        problem = f": {self.problem}" if self.problem else ""
        return (
            f"<Trigger {self.name} {self.kind} {self.shown} → {self.kept_target} "
            f"{self.state}{problem}>"
        )
