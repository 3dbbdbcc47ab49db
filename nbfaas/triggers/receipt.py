"""What an emitter is told."""

from __future__ import annotations

from dataclasses import dataclass

from nbfaas.agent.event import Event


@dataclass(frozen=True, slots=True)
class Receipt:
    """An event that was accepted: it is on disk, and will be delivered to each of ``triggers``.

    ``duplicate``: it had been accepted before, so nothing is delivered again.
    """

    event: Event
    triggers: tuple[str, ...]
    duplicate: bool = False

    @property
    def id(self) -> str:
        return self.event.id

    def __repr__(self) -> str:
        if self.duplicate:
            leads = "accepted before, not delivered again"
        else:
            leads = "→ " + (", ".join(self.triggers) or "no trigger matches")
        return f"<Receipt {self.event.type} {self.event.id} {leads}>"
