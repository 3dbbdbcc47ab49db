"""A lane: one function version, the invocations that wait for it, and the sandboxes it has."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from nbfaas.backends.base import SandboxSpec
from nbfaas.dispatch.invocation import Invocation
from nbfaas.dispatch.keep_alive import KeepAlive
from nbfaas.dispatch.load import Load
from nbfaas.dispatch.lookahead import Durations
from nbfaas.model.function import FunctionVersion

if TYPE_CHECKING:
    from nbfaas.dispatch.slot import Slot


class Lane:
    """Sandboxes are never shared between lanes: another version is another lane."""

    def __init__(
        self, function: FunctionVersion, spec: SandboxSpec, keep_alive: KeepAlive, now: float
    ) -> None:
        self.function = function
        self.spec = spec
        self.slots: list[Slot] = []
        self.parked: deque[Slot] = deque()  # idle ones, see ``nbfaas.dispatch.direct``
        self.starting = 0
        self.failed_starts = 0  # in a row
        self.superseded = False
        self.waiting = 0
        self.durations = Durations()
        self.keep_alive = keep_alive
        self.load = Load(now)
        self._queue: deque[Invocation] = deque()

    def __repr__(self) -> str:
        return (
            f"<Lane {self.function.name}@{self.function.version} {self.waiting} waiting, "
            f"{self.in_flight} in {len(self.slots)} sandboxes, {self.starting} starting>"
        )

    @property
    def in_flight(self) -> int:
        return sum(len(slot.in_flight) for slot in self.slots)

    def running(self, now: float) -> float:
        """For how many seconds the invocation has run that was started first, of those that run."""
        return max((now - slot.head_since for slot in self.slots if slot.in_flight), default=0.0)

    @property
    def existing(self) -> int:
        return len(self.slots) + self.starting

    def serves(self, function: FunctionVersion) -> bool:
        mine = self.function
        same = mine.digest == function.digest
        return same and mine.options.secrets == function.options.secrets

    def push(self, invocation: Invocation) -> None:
        self._queue.append(invocation)
        self.waiting += 1

    def push_front(self, invocations: list[Invocation]) -> None:
        """Give back what was taken, in its order."""
        self._queue.extendleft(reversed(invocations))
        self.waiting += len(invocations)

    def forget(self) -> None:
        """A waiting invocation was settled where it stood; ``pop`` passes over it."""
        self.waiting -= 1

    @property
    def chunksize(self) -> int | None:
        """What the user wants for the invocation that is next."""
        return self._queue[0].chunksize if self._queue else None

    def pop(self) -> Invocation | None:
        """The invocation that has waited longest."""
        while self._queue:
            invocation = self._queue.popleft()
            if not invocation.settled:
                self.waiting -= 1
                return invocation
        return None

    def drain(self) -> list[Invocation]:
        """Take all that wait."""
        waiting = [invocation for invocation in self._queue if not invocation.settled]
        self._queue.clear()
        self.waiting = 0
        return waiting
