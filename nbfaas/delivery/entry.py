"""What listings show of accepted events and their deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbfaas.model.delivery import DeliveryAttempt, DeliveryPolicy, DeliveryState


@dataclass(frozen=True, slots=True)
class KeptDelivery:
    """A delivery as it stands. ``event`` is the number of its event. Times are seconds since the
    epoch; ``reason`` says why it is dead."""

    number: int
    event: int
    trigger: str
    target: str
    key: str | None
    state: DeliveryState
    epoch: int
    attempt: int
    accepted_at: float
    due_at: float
    died_at: float | None
    reason: str | None
    policy: DeliveryPolicy
    attempts: tuple[DeliveryAttempt, ...]

    def __repr__(self) -> str:
        return f"<KeptDelivery {self.number} {self.trigger} {self.state}, attempt {self.attempt}>"


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An accepted event and its deliveries. ``event`` is its JSON."""

    number: int
    source: str
    id: str
    depth: int
    accepted_at: float
    event: Mapping[str, Any]
    deliveries: tuple[KeptDelivery, ...]

    def __repr__(self) -> str:
        count = len(self.deliveries)
        return f"<KeptEvent {self.number} from {self.source!r} id {self.id!r}, {count} deliveries>"
