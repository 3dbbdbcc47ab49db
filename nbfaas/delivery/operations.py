"""What the writer is asked to do; each operation has the future that its asker waits for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from nbfaas.delivery.accepting import accept
from nbfaas.delivery.keeping import Step
from nbfaas.delivery.settling import settle
from nbfaas.delivery.transaction import Transaction
from nbfaas.model.delivery import Accepted, Incoming, Outcome

T = TypeVar("T")


class Operation(Generic[T]):
    """``result`` is what the future gets once the transaction is committed; ``weight`` is about
    how many rows it is."""

    def __init__(self, weight: int) -> None:
        self.future: Future[T] = Future()
        self.weight = weight
        self.result: T

    def begun(self) -> bool:
        """From now on it can't be cancelled any more; False: it was."""
        return self.future.running() or self.future.set_running_or_notify_cancel()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.weight}>"


class Accept(Operation[list[Accepted]]):
    def __init__(
        self, incoming: Sequence[Incoming], source_key: str | None, state: bytes | None
    ) -> None:
        super().__init__(1 + len(incoming))
        self.incoming = incoming
        self.source_key = source_key
        self.state = state


class Settle(Operation[list[bool]]):
    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        super().__init__(1 + len(outcomes))
        self.outcomes = outcomes


class Ask(Operation[T]):
    """Anything that is done by one function."""

    def __init__(self, work: Callable[[Transaction], T]) -> None:
        super().__init__(100)
        self.work = work


class Stepwise(Operation[int]):
    """Something long, done a step in each transaction; the result is how many were dealt with."""

    def __init__(self, step: Step) -> None:
        super().__init__(500)
        self.step = step
        self.position: int | None = 0
        self.total = 0
        self.stepped: tuple[int, int | None] = (0, None)

    def advance(self) -> None:
        """The step is committed."""
        count, self.position = self.stepped
        self.total += count
        self.result = self.total


def carry_out(tx: Transaction, group: Sequence[Operation[Any]]) -> None:
    """Do all of the group within the transaction that has begun; events that many threads hand in
    one by one cost as little as those of one batch."""
    settles = [operation for operation in group if isinstance(operation, Settle)]
    if settles:
        counted = settle(tx, [outcome for each in settles for outcome in each.outcomes])
        start = 0
        for settling in settles:
            settling.result = counted[start : start + len(settling.outcomes)]
            start += len(settling.outcomes)
    accepts = [operation for operation in group if isinstance(operation, Accept)]
    if accepts:
        accepted = accept(tx, [event for each in accepts for event in each.incoming], lease=True)
        start = 0
        for accepting in accepts:
            accepting.result = accepted[start : start + len(accepting.incoming)]
            start += len(accepting.incoming)
            if accepting.source_key is not None and accepting.state is not None:
                tx.execute("set_state", source_key=accepting.source_key, state=accepting.state)
    for operation in group:
        if isinstance(operation, Ask):
            operation.result = operation.work(tx)
        elif isinstance(operation, Stepwise):
            assert operation.position is not None
            operation.stepped = operation.step(tx, operation.position)
