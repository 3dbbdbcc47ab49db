"""One transaction at a time on the connection that writes, and what it changes in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from nbfaas.database import Connection
from nbfaas.delivery.database import query
from nbfaas.delivery.rows import ROWS, answer, chunks, delivery_of, encoded
from nbfaas.model.delivery import Delivery

_BODIES = 4  # deliveries read at once: their bodies may be large


class Transaction:
    """The writer's, used over and over. ``waiting`` is how many deliveries of each trigger wait,
    as of the last commit."""

    def __init__(
        self, connection: Connection, clock: Callable[[], float], notice: Callable[[str], None]
    ) -> None:
        self.connection = connection
        self.notice = notice
        self.now = 0.0
        self.waiting: Mapping[str, int] = MappingProxyType({})
        self.changes: Counter[str] = Counter()  # of ``waiting``, by what is not committed yet
        self._clock = clock
        last = connection.execute(query("last_numbers")).fetchall()[0]
        self._last_event, self._last_delivery = int(last[0]), int(last[1])

    def __repr__(self) -> str:
        return f"<Transaction {'begun' if self.connection.in_transaction else 'none'}>"

    def begin(self) -> None:
        self.roll_back()  # should that not have worked the last time
        self.now = self._clock()
        self.connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Returns once everything is on disk."""
        self.connection.execute("COMMIT")
        if self.changes:
            after = Counter(self.waiting)
            after.update(self.changes)
            self.waiting = MappingProxyType({name: n for name, n in after.items() if n})
            self.changes.clear()

    def roll_back(self) -> None:
        self.changes.clear()
        if self.connection.in_transaction:  # some errors, as a full disk, have done so already
            self.connection.execute("ROLLBACK")

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What is done within it is undone if it fails; the rest of the transaction stays."""
        before = self.changes.copy()
        self.connection.execute("SAVEPOINT apart")
        try:
            yield
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK TO apart")
                self.connection.execute("RELEASE apart")
            self.changes = before
            raise
        self.connection.execute("RELEASE apart")

    # -- for what is done within it

    def execute(self, name: str, **parameters: object) -> Any:
        """Run the statement ``sql/<name>.sql``."""
        return self.connection.execute(query(name), parameters)

    def ask(self, name: str, **parameters: object) -> list[Any]:
        """The rows of a statement that answers with one JSON array."""
        return answer(self.execute(name, **parameters))

    def write(self, name: str, rows: Sequence[object], at_once: int = ROWS) -> None:
        """Run a statement that takes ``:rows``, as often as so many rows need; ``at_once``: fewer
        at a time, because they are large."""
        for part in chunks(rows, min(at_once, ROWS)):
            self.execute(name, rows=part)

    def event_number(self) -> int:
        self._last_event += 1
        return self._last_event

    def delivery_number(self) -> int:
        self._last_delivery += 1
        return self._last_delivery

    def deliveries(self, numbers: Sequence[int]) -> list[Delivery]:
        """The deliveries with these numbers, in this order."""
        return [
            delivery_of(row)
            for part in chunks(numbers, _BODIES)
            for row in self.ask("deliveries", numbers=part)
        ]

    def pass_on_turns(self, lines: Iterable[tuple[str, str | None]]) -> None:
        """In each line (trigger, key) where something was done or has come back, let the earliest
        have its turn; where there is no key there is no line."""
        for part in chunks(sorted({line for line in lines if line[1] is not None})):
            self.execute("give_up_turns", pairs=part)
            self.execute("take_turns", pairs=part)

    def standing(self, numbers: Sequence[int]) -> list[list[Any]]:
        """number, trigger, key, state, epoch, attempt, policy of each delivery there is."""
        return self.ask("standing", numbers=encoded(numbers)) if numbers else []
