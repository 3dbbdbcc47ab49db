"""Which version of a served function a request or an event gets."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from nbfaas.catalog import Alias, choose, draw_for
from nbfaas.model.function import FunctionVersion
from nbfaas.model.manifest import FunctionManifest


class Loaded(Protocol):
    """A version that can be run; ``nbfaas.remote.deployed.DeployedFunction`` is one."""

    @property
    def manifest(self) -> FunctionManifest: ...

    def version(self) -> FunctionVersion: ...


@dataclass(frozen=True, slots=True)
class Routing:
    """Where a function's requests go at one time; never changed, so that it is read without a
    lock. ``alias`` may be one made up for a fixed version."""

    alias: Alias
    versions: Mapping[int, Loaded]

    def number_for(self, key: str) -> int:
        if self.alias.other is None:  # as nearly always: nothing is to be drawn
            return self.alias.version
        return choose(self.alias, draw_for(self.alias, key))

    @property
    def first(self) -> Loaded:
        """The one that is no canary; the triggers of the function are its."""
        return self.versions[self.alias.version]


class ServedFunction:
    """One reference that is served: ``thumb``, ``thumb:dev``, ``thumb:v2``. A ``SplitTarget`` of
    deliveries; what it leads to is swapped as a whole, between two requests."""

    def __init__(self, name: str, function: str, reference: str, routing: Routing) -> None:
        self.name = name
        self.function = function
        self.reference = reference
        self.routing = routing
        self.removed = False
        """Whether the catalog does not have it any more."""

    def __repr__(self) -> str:
        return f"<ServedFunction {self.name}: {self.routing.alias}>"

    @property
    def label(self) -> str:
        """With the version that its triggers are those of: ``thumb v3``."""
        return f"{self.name} v{self.routing.alias.version}"

    @property
    def trigger(self) -> str:
        """The name of the trigger that asynchronous calls are addressed to."""
        return trigger_of(self.name)

    def choose(self, key: str) -> tuple[str, FunctionVersion]:
        """The label (``v3``) and the version that what has this ``key`` gets."""
        routing = self.routing
        number = routing.number_for(key)
        return f"v{number}", routing.versions[number].version()

    def version_for(self, key: str) -> FunctionVersion:
        return self.choose(key)[1]

    def current_version(self) -> FunctionVersion:
        return self.choose(str(random.random()))[1]  # noqa: S311

    def version(self) -> FunctionVersion:
        return self.current_version()


_TRIGGER = "invoke:"


def trigger_of(name: str) -> str:
    return _TRIGGER + name


def name_of(trigger: str) -> str | None:
    """The reverse of ``trigger_of``; None for other triggers."""
    return trigger.removeprefix(_TRIGGER) if trigger.startswith(_TRIGGER) else None
