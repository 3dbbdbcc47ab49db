"""How quickly attempts may be begun."""

from __future__ import annotations

from typing import Protocol


class Pace(Protocol):
    """Asked before attempts are begun, and told of each."""

    def room(self) -> int | None:
        """How many now; None: as many as there are."""
        ...

    def began(self) -> None:
        """One was begun."""
        ...


class Unhindered:
    """As quickly as there is something to begin."""

    def room(self) -> int | None:
        return None

    def began(self) -> None:
        pass
