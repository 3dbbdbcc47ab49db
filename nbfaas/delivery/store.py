"""The event store: accepted events and their deliveries, in one SQLite file.

What was accepted is on disk before anybody is told so, and stays until it is done or dead. One
process holds a store; in it, any thread may use it.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from nbfaas.database import close_untouched
from nbfaas.delivery.database import (
    explained,
    is_damage,
    is_trouble,
    make_folder,
    open_writer,
    query,
)
from nbfaas.delivery.entry import KeptDelivery, KeptEvent
from nbfaas.delivery.keeping import forgetting, pruning, purging, redriving
from nbfaas.delivery.lock import StoreLock
from nbfaas.delivery.operations import Accept, Ask, Operation, Settle, Stepwise
from nbfaas.delivery.reader import Reader
from nbfaas.delivery.settling import lease, next_due, overdue, recover, set_back
from nbfaas.delivery.transaction import Transaction
from nbfaas.delivery.writer import Writer
from nbfaas.errors.delivery import EventStoreDamaged, EventStoreUnavailable
from nbfaas.model.delivery import Accepted, DeadLetter, Delivery, Incoming, Outcome, Overdue

T = TypeVar("T")


class EventStore:
    """The store at ``path``. ``on_notice`` is called, from the writer's thread, with what the user
    should know: the disk is full, it works again.

    Futures are resolved once the change is synced to the disk, and fail with
    ``EventStoreUnavailable`` or ``EventStoreDamaged`` if it can't be: then nothing of it is
    changed. A future that is cancelled before its turn changes nothing; later it can't be.
    """

    writer_class: ClassVar[type[Writer]] = Writer

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        on_notice: Callable[[str], None] | None = None,
    ) -> None:
        self.path = Path(path)
        self._clock = clock
        self._on_notice = on_notice
        self._lock: StoreLock | None = None
        self._tx: Transaction | None = None
        self._writer: Writer | None = None
        self._reader = Reader(self.path, self._damaged)
        self._changing = threading.Lock()

    def __repr__(self) -> str:
        state = f"open, {self.backlog:,} waiting" if self.is_open else "closed"
        return f"<EventStore {self.path} {state}>"

    @property
    def is_open(self) -> bool:
        return self._writer is not None and self._writer.is_running

    def open(self) -> int:
        """Hold the store, making it if need be; return how many deliveries wait. Attempts that a
        process had begun which is no more are closed as interrupted.

        Raises ``EventStoreHeld``, ``EventStoreUnavailable`` and ``EventStoreDamaged``.
        """
        with self._changing:
            if self._writer is None:
                make_folder(self.path)
                lock = StoreLock(self.path)
                try:
                    self._tx = self._recovered()
                    self._writer = self.writer_class(self.path, self._tx, self._notice)
                    self._writer.start()
                except BaseException:
                    lock.release()
                    raise
                self._lock = lock
                _open_stores.add(self)
                atexit.register(self.close)
            return self.backlog

    def close(self, timeout: float = 10.0) -> None:
        """Write what was asked for, and let the store go. Idempotent. What is leased stays so
        until it is opened again. Raises ``EventStoreUnavailable`` if ``timeout`` seconds were not
        enough; then it is still held."""
        with self._changing:
            if self._writer is None:
                return
            # The last connection to be closed clears the -wal away: it must be the one that may
            # write.
            self._reader.close()
            if not self._writer.close(timeout):
                reason = f"what waits to be written could not be, in {timeout:g} s"
                raise EventStoreUnavailable(str(self.path), reason, "Look at the disk.")
            self._reader.close()
            self._writer = None
            assert self._lock is not None
            self._lock.release()
            self._lock = None
            atexit.unregister(self.close)

    # -- changes

    def accept(
        self,
        incoming: Sequence[Incoming],
        *,
        source_key: str | None = None,
        state: bytes | None = None,
    ) -> Future[list[Accepted]]:
        """Accept events and, in the same transaction, remember the source's ``state``."""
        return self._submit(Accept(incoming, source_key, state))

    def lease(self, room: Mapping[str, int], now: float) -> Future[list[Delivery]]:
        """Begin an attempt of what is due: of each trigger at most ``room[trigger]``, what fell due
        first first. Of those with one key there is never more than one under way, and an earlier
        one that is not done or dead comes first. What is too old is left: see ``overdue``."""
        return self._submit(Ask(lambda tx: lease(tx, room, now)))

    def settle(self, outcomes: Sequence[Outcome]) -> Future[list[bool]]:
        """End attempts, and what is ``overdue``. False: the attempt was not the latest, or has
        ended before; nothing of the outcome happens. Of what is emitted no attempt is begun,
        whatever ``lease`` says."""
        return self._submit(Settle(outcomes))

    def next_due(self, triggers: Collection[str]) -> Future[float | None]:
        """When the next delivery of these triggers falls, or fell, due; None: nothing waits."""
        return self._submit(Ask(lambda tx: next_due(tx, list(triggers))))

    def set_back(self, now: float) -> Future[None]:
        """The clock may have been set back: what would wait for it to come to where it was is due
        now."""
        return self._submit(Ask(lambda tx: set_back(tx, now)))

    def overdue(self, now: float, triggers: Collection[str] | None = None) -> Future[list[Overdue]]:
        """What waits (for these triggers, or all) and is too old, up to a thousand at once. To be
        settled, and asked again until there is nothing: what is too old and does not die stands in
        the way of what is due, because ``lease`` looks at no more than there is room for."""
        chosen = None if triggers is None else list(triggers)
        return self._submit(Ask(lambda tx: overdue(tx, now, chosen)))

    def deliveries(self, numbers: Sequence[int]) -> Future[list[Delivery]]:
        """Those with these numbers, with their bodies: which may be large, so ask for few."""
        return self._submit(Ask(lambda tx: tx.deliveries(numbers)))

    def redrive(self, numbers: Sequence[int] | None, trigger: str | None = None) -> Future[int]:
        """Have dead letters delivered again: those with the ``numbers``, or all; of one trigger or
        of all. Attempts and age count anew. Returns how many."""
        return self._submit(Stepwise(redriving(numbers, trigger)))

    def purge(self, numbers: Sequence[int] | None, trigger: str | None = None) -> Future[int]:
        """Remove dead letters for good, chosen likewise. Returns how many."""
        return self._submit(Stepwise(purging(numbers, trigger)))

    def forget(self, trigger: str) -> Future[int]:
        """Remove what waits for the trigger for good; what is under way goes on. Returns how many
        deliveries."""
        return self._submit(Stepwise(forgetting(trigger)))

    def prune(self, now: float) -> Future[int]:
        """Forget what is done and older than the time in which duplicates are told. Returns how
        many events went. It is done in small steps, with others' changes in between."""
        return self._submit(Stepwise(pruning(now)))

    # -- answers, as of the last commit

    @property
    def waiting(self) -> Mapping[str, int]:
        """How many deliveries of each trigger wait (for their turn, or to fall due)."""
        return MappingProxyType({}) if self._tx is None else self._tx.waiting

    @property
    def backlog(self) -> int:
        """How many deliveries wait."""
        return sum(self.waiting.values())

    def oldest(self) -> Mapping[str, float]:
        """For each trigger when the oldest delivery was accepted that is not done or dead."""
        return self._answering().oldest()

    def dead_counts(self) -> Mapping[str, int]:
        """How many dead letters each trigger has."""
        return self._answering().dead_counts()

    def dead_letters(self, trigger: str | None = None, limit: int = 100) -> list[DeadLetter]:
        """The latest accepted first."""
        return self._answering().dead_letters(trigger, limit)

    def dead_letter(self, number: int) -> DeadLetter | None:
        return self._answering().dead_letter(number)

    def delivery(self, number: int) -> KeptDelivery | None:
        """A delivery as it stands, with its attempts."""
        return self._answering().delivery(number)

    def deliveries_of(self, event_id: str) -> list[KeptDelivery]:
        """The deliveries of the events with this id, of whatever source."""
        return self._answering().deliveries_of(event_id)

    def events(self, ids: Sequence[str]) -> list[KeptEvent]:
        """The events with these ids, of whatever source, with deliveries and attempts."""
        return self._answering().events(ids)

    def history(self, trigger: str | None = None, limit: int = 100) -> list[KeptEvent]:
        """The events that were accepted last, the latest first, with deliveries and attempts."""
        return self._answering().history(trigger, limit)

    def state_of(self, source_key: str) -> bytes | None:
        """What was last remembered for the source."""
        return self._answering().state_of(source_key)

    # -- inside

    def _recovered(self) -> Transaction:
        connection = open_writer(self.path)
        try:
            tx = Transaction(connection, self._clock, self._notice)
            tx.begin()
            recover(tx)
            tx.commit()
            rows = connection.execute(query("count_undone")).fetchall()
            tx.waiting = MappingProxyType(dict(rows))
        except Exception as error:
            if is_damage(error):
                close_untouched(connection)
            else:
                connection.close()
            if not is_trouble(error):
                raise
            raise explained(error, self.path) from error
        return tx

    def _submit(self, operation: Operation[T]) -> Future[T]:
        writer = self._writer
        if writer is None or not writer.submit(operation):
            operation.future.set_exception(self._closed_error())
        return operation.future

    def _answering(self) -> Reader:
        if self._writer is None:
            raise self._closed_error()
        return self._reader

    def _closed_error(self) -> EventStoreUnavailable:
        return EventStoreUnavailable(
            str(self.path), "it is not open in this process", "Open it first: EventStore.open()."
        )

    def _damaged(self, damage: EventStoreDamaged) -> None:
        if self._writer is not None:
            self._writer.give_up(damage)

    def _notice(self, text: str) -> None:
        if self._on_notice is not None:
            try:
                self._on_notice(text)
            except Exception as error:  # noqa: BLE001 - the writer must go on
                threading.excepthook(
                    threading.ExceptHookArgs((type(error), error, error.__traceback__, None))
                )

    def _leave_to_parent(self) -> None:
        """In a forked child: the thread is not here, and SQLite's connections must not be touched,
        not even to close them."""
        kept: list[Any] = [self._writer, self._reader, self._tx]
        _left_to_parent.append(kept)
        self._lock = self._writer = self._tx = None
        self._reader = Reader(self.path, self._damaged)
        self._changing = threading.Lock()


_open_stores: weakref.WeakSet[EventStore] = weakref.WeakSet()
_left_to_parent: list[object] = []


def _after_fork() -> None:
    for store in list(_open_stores):
        store._leave_to_parent()


os.register_at_fork(after_in_child=_after_fork)
