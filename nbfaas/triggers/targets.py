"""Targets: where deliveries go."""

from __future__ import annotations

from typing import Protocol

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
