"""The thread that writes the store: everything that waits, in one transaction, again and again.

While one transaction is being synced to the disk the next one's operations gather. So a lone
operation waits for one sync, and many wait for hardly more.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from nbfaas.database import close_untouched
from nbfaas.delivery.database import explained, is_damage, is_trouble
from nbfaas.delivery.operations import Operation, Stepwise, carry_out
from nbfaas.delivery.transaction import Transaction
from nbfaas.errors.delivery import EventStoreDamaged, EventStoreError, EventStoreUnavailable

_LARGEST_GROUP = 4096  # rows, about

Group = Sequence[Operation[Any]]


class Writer:
    """Owns the connection that writes, and closes it. ``notice`` is called, in the writer's
    thread, when the store stops working and when it works again."""

    def __init__(self, path: Path, tx: Transaction, notice: Callable[[str], None]) -> None:
        self._path = path
        self._tx = tx
        self._notice = notice
        self._file = os.stat(path)
        self._queue: SimpleQueue[Operation[Any] | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._closing = False
        self._damage: EventStoreDamaged | None = None
        self._in_trouble = False
        self._changes = 0  # of the connection, before the present transaction
        self._thread = threading.Thread(target=self._run, name="nbfaas-events", daemon=True)

    def __repr__(self) -> str:
        return f"<Writer {self._path} {'running' if self.is_running else 'stopped'}>"

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def submit(self, operation: Operation[Any]) -> bool:
        """Have it done; False: the writer is closing, and it won't be."""
        with self._gate:
            if self._closing:
                return False
            self._queue.put(operation)
            return True

    def close(self, timeout: float) -> bool:
        """Do what was submitted, and end the thread; False: it has not ended in time."""
        with self._gate:
            self._closing = True
            self._queue.put(None)
        self._thread.join(timeout)
        return not self.is_running

    def give_up(self, damage: EventStoreDamaged) -> None:
        """The file turned out to be damaged: never write to it again."""
        if self._damage is None:
            self._damage = damage
            self._notice(str(damage))

    # -- the thread

    def _run(self) -> None:
        try:
            while (group := self._next_group()) is not None:
                if group:
                    self._write(group)
        finally:
            with self._gate:
                self._closing = True
            reason = "its thread has ended"
            gone = EventStoreUnavailable(str(self._path), reason, "Close it, then open it again.")
            while (group := self._next_group(wait=False)) is not None:
                self._refuse(group, gone)
            if self._damage is None:
                self._tx.connection.close()
            else:
                close_untouched(self._tx.connection)

    def _next_group(self, wait: bool = True) -> list[Operation[Any]] | None:
        """What waits, up to some thousand rows; None once the writer is closed and nothing does."""
        group: list[Operation[Any]] = []
        weight = 0
        while weight < _LARGEST_GROUP:
            try:
                operation = self._queue.get(block=wait and not group and not self._closing)
            except Empty:
                return group or (None if self._closing else [])
            if operation is not None:
                if not operation.begun():
                    continue  # whoever has cancelled it until now gets nothing done
                group.append(operation)
                weight += operation.weight
            elif not group and self._queue.empty():
                return None
        return group

    def _write(self, group: Group) -> None:
        try:
            self._begin()
            carry_out(self._tx, group)
            self._commit_and_note(group)
        except Exception as error:  # noqa: BLE001 - nothing may end the thread
            self._roll_back()
            if is_trouble(error):
                self._refuse(group, error)
            else:
                self._write_apart(group)
            return
        self._acknowledge(group)

    def _write_apart(self, group: Group) -> None:
        """The same, after one of them has failed for reasons of its own: each by itself, so that
        only that one fails; still in one transaction."""
        done: list[Operation[Any]] = []
        failed: list[tuple[Operation[Any], Exception]] = []
        try:
            self._begin()
            for operation in group:
                try:
                    with self._tx.apart():
                        carry_out(self._tx, [operation])
                    done.append(operation)
                except Exception as error:
                    if is_trouble(error):
                        raise
                    failed.append((operation, error))
            self._commit_and_note(done)
        except Exception as error:  # noqa: BLE001
            self._roll_back()
            self._refuse(group, error)
            return
        self._acknowledge(done)
        for operation, reason in failed:
            operation.future.set_exception(reason)

    def _begin(self) -> None:
        if self._damage is not None:
            raise self._damage
        try:
            same = os.path.samestat(os.stat(self._path), self._file)
        except FileNotFoundError:
            same = False
        if not same:
            # SQLite would go on writing to a file that nobody will ever find.
            raise EventStoreDamaged(str(self._path), "it was moved or removed while in use")
        self._tx.begin()
        self._changes = self._tx.connection.total_changes()

    def _commit_and_note(self, group: Group) -> None:
        self._commit(group)
        # That nothing could be written says nothing about a disk that is full.
        if self._in_trouble and self._tx.connection.total_changes() != self._changes:
            self._in_trouble = False
            self._notice(f"the event store {self._path} can be written again")

    def _commit(self, group: Group) -> None:
        self._tx.commit()

    def _roll_back(self) -> None:
        # If not even that works, it is tried again before the next transaction.
        with contextlib.suppress(Exception):
            self._tx.roll_back()

    def _acknowledge(self, group: Group) -> None:
        """Tell that it is done; for when it is on disk."""
        for operation in group:
            if isinstance(operation, Stepwise):
                operation.advance()
                if operation.position is not None and not self._closing:
                    self._queue.put(operation)
                    continue
            operation.future.set_result(operation.result)

    def _refuse(self, group: Group, error: Exception) -> None:
        told: Exception = explained(error, self._path) if is_trouble(error) else error
        if is_damage(error) and isinstance(told, EventStoreDamaged):
            self.give_up(told)
        elif isinstance(told, EventStoreError) and not self._in_trouble:
            self._in_trouble = True
            self._notice(str(told))
        for operation in group:
            if not operation.future.done():
                operation.future.set_exception(told)
