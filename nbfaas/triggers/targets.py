"""Targets: where deliveries go."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from nbfaas.model.function import FunctionVersion


class FunctionTarget(Protocol):
    """A function that events can be delivered to."""

    @property
    def name(self) -> str: ...

    def current_version(self) -> FunctionVersion | None:
        """Its present version, if nothing has to be packaged for that. Quick."""
        ...

    def version(self) -> FunctionVersion:
        """Its present version, packaged if need be; may take a while. Raises ``PackagingError``."""
        ...


@runtime_checkable
class SplitTarget(FunctionTarget, Protocol):
    """A function of which several versions may be in use at once."""

    def version_for(self, key: str) -> FunctionVersion:
        """The version that gets the event with this id: the same for all its attempts, unless the
        function was deployed in between. Quick."""
        ...
