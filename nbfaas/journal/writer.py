"""The thread that writes the journal: every 50 ms what was published, in one transaction; in a
burst less often, because the calls need the processor more than the journal does."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from nbfaas.database import Connection, is_damage
from nbfaas.errors import JournalError, JournalUnavailable
from nbfaas.journal.backlog import FULL_BATCH, Backlog, Marker
from nbfaas.journal.batch import Batch
from nbfaas.journal.commit import begin_session, end_session, prune, write
from nbfaas.journal.database import explained, may_pass, replace_damaged

INTERVAL = 0.05  # seconds between transactions
_BREATH = 0.002  # seconds instead, when the writer is behind: other sessions get their turn
_BURST = 1000  # records in an interval: so many that writing them would slow the calls
_LATEST = 1.0  # seconds; a burst's records are written by then all the same
_ENOUGH = 100_000  # records; nor do more than these wait
_LONGEST_DELAY = 5.0  # seconds between tries while the file can't be written


class Retention(NamedTuple):
    """What the journal keeps, so that its file stays bounded."""

    max_age: float = 30 * 86400.0  # seconds
    max_rows: int = 200_000  # invocations


class Chore:
    """A pruning that was asked for: done step by step, between the batches."""

    def __init__(self, retention: Retention) -> None:
        self.retention = retention
        self.removed = 0
        self.done = threading.Event()
        self.steps: Iterator[int] | None = None


class Writer:
    """Owns the one connection that writes. ``report`` is called, in the writer's thread, with
    what goes wrong; the calls whose records these are never notice."""

    def __init__(
        self,
        path: Path,
        connection: Connection,
        backlog: Backlog,
        *,
        log_tail: int,
        retention: Retention,
        clock: Callable[[], float],
        report: Callable[[JournalError], None],
    ) -> None:
        self._path = path
        self._connection = connection
        self._backlog = backlog
        self._log_tail = log_tail
        self._retention = retention
        self._unpruned = 0
        self._seen = 0  # records published, at the last look
        self._draining = False
        self._clock = clock
        self._report = report
        self._file = os.stat(path)
        self._session: int | None = None
        self._batch = Batch(log_tail)
        self._markers: list[Marker] = []
        self._chores: list[Chore] = []
        self._delay = 0.0
        self._replaced = False
        self._hurry = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nbfaas-journal", daemon=True)

    def __repr__(self) -> str:
        return f"<Writer {self._path} {'running' if self.is_running else 'stopped'}>"

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._chores.append(Chore(self._retention))
        self._thread.start()

    def hurry(self) -> None:
        """Write at once what is waiting."""
        self._hurry.set()
        self._backlog.wake()

    def prune(self, retention: Retention) -> Chore:
        """Ask for a pruning; its ``done`` is set when it has ended."""
        chore = Chore(retention)
        self._chores.append(chore)
        self.hurry()
        return chore

    def close(self, timeout: float) -> None:
        """Write what is waiting, and end the thread."""
        self._closing.set()
        self.hurry()
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            while True:
                closing = self._closing.is_set()
                if not (closing or self._batch or self._markers or self._chores):
                    self._backlog.wait()
                    self._await_more()
                self._hurry.clear()
                written = self._write_waiting()
                if closing and (self._delay or (written and not self._backlog)):
                    break
                if self._chores and not closing:
                    self._work_on(self._chores[0])
                if not written:
                    self._closing.wait(self._delay)
            self._end()
        except Exception as error:  # noqa: BLE001 - the calls must go on without a journal
            self._report(explained(error, self._path))
        finally:
            self._backlog.seal()
            self._connection.close()
            for chore in self._chores:
                chore.done.set()

    def _await_more(self) -> None:
        """Wait for more records to write at once: an interval, or until a burst is over."""
        if self._draining and len(self._backlog) >= FULL_BATCH:
            self._hurry.wait(_BREATH)
            return
        self._draining = False
        waited = 0.0
        while not self._hurry.wait(INTERVAL):
            waited += INTERVAL
            before, self._seen = self._seen, self._backlog.published
            calm = self._seen - before < _BURST
            if calm or waited >= _LATEST or len(self._backlog) >= _ENOUGH:
                break
        self._draining = True

    def _write_waiting(self) -> bool:
        """Write one batch; False: it could not be written now, and is kept for the next time."""
        if not self._batch:
            self._batch = Batch(self._log_tail)
            self._markers += self._backlog.take(self._batch)
        try:
            if self._batch:
                if self._session is None:
                    self._session = begin_session(self._connection, self._clock())
                write(self._connection, self._session, self._batch, self._log_tail)
        except Exception as error:  # noqa: BLE001 - whatever it is, later records must be written
            self._failed(error)
            return False
        self._unpruned += len(self._batch)
        if self._unpruned > self._retention.max_rows // 4:
            self._unpruned = 0
            self._chores.append(Chore(self._retention))
        self._batch = Batch(self._log_tail)
        self._delay = 0.0
        for marker in self._markers:
            marker.reached.set()
        self._markers.clear()
        return True

    def _failed(self, error: Exception) -> None:
        """Make the next try possible, or raise ``JournalError`` if there can't be one."""
        if is_damage(error):
            self._replace(error)
            return
        self._report(explained(error, self._path))
        if may_pass(error):
            self._delay = min(max(2 * self._delay, INTERVAL), _LONGEST_DELAY)
        else:
            self._write_one_by_one()

    def _write_one_by_one(self) -> None:
        """Write what can be written of a batch that holds something that never can be."""
        assert self._session is not None
        for part in self._batch.split():
            try:
                write(self._connection, self._session, part, self._log_tail)
            except Exception as error:  # noqa: BLE001 - the next one may well be written
                self._report(explained(error, self._path))
                for marker in self._markers:
                    marker.written = False
        self._batch = Batch(self._log_tail)

    def _replace(self, error: Exception) -> None:
        """Go on with a new file; the batch that could not be written goes there."""
        if self._replaced:
            raise error  # twice: it is the disk that is damaged, or somebody else's doing
        self._replaced = True
        self._delay = 0.0
        self._session = None
        self._connection.close()
        self._connection, notice = replace_damaged(
            self._path, self._file, self._clock(), str(error)
        )
        self._file = os.stat(self._path)
        self._report(notice)

    def _work_on(self, chore: Chore) -> None:
        try:
            if chore.steps is None:
                before = self._clock() - chore.retention.max_age
                chore.steps = prune(
                    self._connection, before=before, max_rows=chore.retention.max_rows
                )
            chore.removed += next(chore.steps)
            return
        except StopIteration:
            pass
        except Exception as error:  # noqa: BLE001 - a journal that is not pruned still works
            if is_damage(error):
                self._replace(error)
            else:
                self._report(explained(error, self._path))
        self._chores.remove(chore)
        chore.done.set()

    def _end(self) -> None:
        unwritten = len(self._batch) + len(self._backlog)
        if unwritten:
            reason = f"{unwritten} records could not be written before it was closed"
            raise JournalUnavailable(str(self._path), reason, "Check the disk's free space.")
        if self._session is not None:
            end_session(self._connection, self._session, self._clock())
