"""The journal: every invocation, its attempts, the end of its log and its outcome, on disk.

It subscribes to the dispatcher's records. Publishing only appends to a list; a thread of the
journal writes what has come, some twenty times a second, and many sessions may write to one
journal at once. What was committed survives SIGKILL.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from nbfaas.errors import JournalError, JournalUnavailable
from nbfaas.journal.backlog import Backlog, Limits
from nbfaas.journal.database import open_writer
from nbfaas.journal.entry import Counts, JournaledInvocation
from nbfaas.journal.reader import Reader
from nbfaas.journal.writer import Retention, Writer
from nbfaas.model.invocation import AttemptStats, InvocationState
from nbfaas.model.records import Subscriber

LOG_TAIL = 64 * 1024


class Journal:
    """The journal at ``path``. ``result_limit``: bytes, larger results are not kept;
    ``log_tail``: bytes kept of an invocation's output.

    Questions are answered from what is committed, up to 0.1 s late; ``flush`` closes the gap.
    They may be asked from any thread. ``notice`` is the last thing that went wrong, if anything
    did: the journal never raises into the calls it records.
    """

    subscriber: Subscriber
    """Takes one record; for the thread that publishes. Never waits, never raises."""

    def __init__(
        self,
        path: str | Path,
        *,
        result_limit: int,
        clock: Callable[[], float] = time.time,
        log_tail: int = LOG_TAIL,
        retention: Retention = Retention(),  # noqa: B008 - immutable
    ) -> None:
        self.path = Path(path)
        self.notice: JournalError | None = None
        self._clock = clock
        self._log_tail = log_tail
        self._retention = retention
        self._backlog = Backlog(Limits(result=result_limit))
        self.subscriber = self._backlog.publish
        self._reader = Reader(self.path)
        self._writer: Writer | None = None
        self._closed = threading.Lock()

    def __repr__(self) -> str:
        state = "open" if self.is_open else "closed"
        return f"<Journal {self.path} {state}, {len(self._backlog)} records waiting>"

    @property
    def is_open(self) -> bool:
        return self._writer is not None and self._writer.is_running

    @property
    def dropped(self) -> int:
        """How many records were left out because the disk could not keep up: output first."""
        return self._backlog.dropped

    def open(self) -> None:
        """Open the file, making it and its folder if need be, and start writing.

        A damaged file is kept under another name and a new one begun: then ``notice`` is a
        ``JournalDamaged``. Raises ``JournalUnavailable`` and ``JournalLocked``; what is published
        after that is forgotten. A journal is opened once.
        """
        if self._writer is not None or self._backlog.is_sealed:
            reason = "this Journal was opened before"
            raise JournalUnavailable(str(self.path), reason, "Make another Journal of the path.")
        try:
            connection, self.notice = open_writer(self.path, self._clock())
        except JournalError as error:
            self._backlog.seal()
            self.notice = error
            raise
        self._writer = Writer(
            self.path,
            connection,
            self._backlog,
            log_tail=self._log_tail,
            retention=self._retention,
            clock=self._clock,
            report=self._report,
        )
        self._writer.start()
        _open_journals.add(self)
        atexit.register(self.close)

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until what was published so far is committed. False: it was not, in ``timeout``
        seconds; ``notice`` may say why."""
        if self._writer is None or not self.is_open:
            return False
        marker = self._backlog.mark()
        self._writer.hurry()
        return marker.reached.wait(timeout) and marker.written

    def close(self, timeout: float = 10.0) -> None:
        """Write what is waiting and stop. Idempotent; what is published later is forgotten."""
        with self._closed:
            writer, self._writer = self._writer, None
            if writer is None:
                return
            # The last connection to be closed clears the -wal file away: it must be the one that
            # may write.
            self._reader.close()
            writer.close(timeout)
            self._reader.close()
            self._backlog.seal()
            atexit.unregister(self.close)

    def find(self, invocation_id: str) -> JournaledInvocation | None:
        """The invocation with this id, with its result and log; None if there is none."""
        return self._answering().find(invocation_id)

    def latest(
        self,
        limit: int,
        *,
        state: InvocationState | None = None,
        function: str | None = None,
        run_id: str | None = None,
    ) -> list[JournaledInvocation]:
        """The invocations that were queued last, of all sessions, without results and logs."""
        filters = {"state": state and state.value, "function": function, "run_id": run_id}
        return self._answering().latest(limit, filters)

    def attempts(self, invocation_id: str) -> tuple[AttemptStats, ...]:
        """The attempts, the first one first. Figures of one that has not ended are 0."""
        return self._answering().attempts(invocation_id)

    def log(self, invocation_id: str) -> bytes:
        """The end of what the invocation has written."""
        return self._answering().log(invocation_id)

    def counts(self) -> Counts:
        """How many invocations the journal holds."""
        return self._answering().counts()

    def prune(self, max_age: float, max_rows: int, timeout: float = 60.0) -> int:
        """Remove invocations queued more than ``max_age`` seconds ago, and the oldest above
        ``max_rows``, except what a living session has not finished; return how many went within
        ``timeout`` seconds. Opening the journal does this by itself."""
        self._answering()
        assert self._writer is not None
        chore = self._writer.prune(Retention(max_age, max_rows))
        chore.done.wait(timeout)
        return chore.removed

    def _answering(self) -> Reader:
        if self._writer is None:
            reason = "it is not open"
            raise JournalUnavailable(str(self.path), reason, "Open it, in this very process.")
        return self._reader

    def _report(self, error: JournalError) -> None:
        self.notice = error
        self._reader.close()  # should the file have been replaced

    def _leave_to_parent(self) -> None:
        """In a forked child: the thread is not here, and SQLite's connections must not be touched,
        not even to close them."""
        self._backlog.seal()
        self._closed = threading.Lock()
        _left_to_parent.append((self._writer, self._reader))
        self._writer = None


_open_journals: weakref.WeakSet[Journal] = weakref.WeakSet()
_left_to_parent: list[object] = []


def _after_fork() -> None:
    for journal in list(_open_journals):
        journal._leave_to_parent()


os.register_at_fork(after_in_child=_after_fork)
