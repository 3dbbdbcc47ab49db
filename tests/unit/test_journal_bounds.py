"""The journal stays bounded: in memory while the disk is slow, and on disk."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from nbfaas.errors import JournalUnavailable
from nbfaas.journal import Journal, Retention
from nbfaas.journal.backlog import Backlog, Limits
from nbfaas.journal.batch import Batch
from nbfaas.model.invocation import InvocationState
from nbfaas.model.records import (
    AttemptStarted,
    InvocationFinished,
    InvocationQueued,
    LogWritten,
    Record,
)

MB = 1024 * 1024
OK = InvocationState.SUCCEEDED


def queued(id_: str, at: float = 10.0) -> InvocationQueued:
    return InvocationQueued(at, id_, "score", "0123456789ab")


def finished(id_: str, result: bytes | None = b"42", size: int | None = None) -> InvocationFinished:
    return InvocationFinished(20.0, id_, OK, 1, None, result, None, b"", size)


def logged(id_: str, data: bytes = b"x\n") -> LogWritten:
    return LogWritten(12.0, id_, 1, 1, data)


def publish(journal: Journal, *records: Record) -> None:
    for record in records:
        journal.subscriber(record)
    assert journal.flush()


@pytest.mark.parametrize("record", [finished("i1", b"x" * (5 * MB)), finished("i1", None, 5 * MB)])
def test_a_result_over_the_limit_is_replaced_by_a_note(
    tmp_path: Path, record: InvocationFinished
) -> None:
    journal = Journal(tmp_path / "journal.db", result_limit=MB, clock=lambda: 100.0)
    journal.open()
    publish(journal, queued("i1"), record)
    found = journal.find("i1")
    assert found is not None
    assert (found.state, found.result) == (OK, None)
    assert found.result_note == "5 MB exceeds journal_result_limit 1 MB"
    journal.close()


def test_only_the_end_of_much_output_is_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", result_limit=MB, log_tail=1000, clock=lambda: 100.0)
    journal.open()
    publish(journal, queued("i1"), *(logged("i1", b"%04d\n" % n) for n in range(300)))
    publish(journal, *(logged("i1", b"%04d\n" % n) for n in range(300, 320)))
    assert journal.log("i1") == b"".join(b"%04d\n" % n for n in range(120, 320))
    journal.close()


def test_output_is_dropped_first_then_attempts_and_outcomes_stay() -> None:
    backlog = Backlog(Limits(records=10))
    for number in range(20):
        backlog.publish(queued(f"i{number}"))
        backlog.publish(logged(f"i{number}"))
    assert (len(backlog), backlog.dropped) == (20 + 5, 15)
    for number in range(20):
        backlog.publish(AttemptStarted(11.0, f"i{number}", 1, "box", False))
    assert (len(backlog), backlog.dropped) == (40, 15 + 5)
    for number in range(20):
        backlog.publish(finished(f"i{number}"))
    assert (len(backlog), backlog.dropped) == (60, 20)
    for number in range(100):
        backlog.publish(queued(f"more{number}"))
    assert len(backlog) == 100


def test_results_that_would_fill_the_memory_are_left_out_with_a_note() -> None:
    backlog = Backlog(Limits(content=1000, result=800))
    for id_ in ("i1", "i2"):
        backlog.publish(finished(id_, b"x" * 700))
    backlog.publish(logged("i3", b"x" * 700))
    batch = Batch(100)
    backlog.take(batch)
    (rows,) = batch.invocations()
    assert "the journal could not keep up (700 B)" in rows
    assert (rows.count(b"x".hex() * 700), len(batch), backlog.dropped) == (1, 2, 1)
    backlog.publish(finished("i4", b"x" * 700))  # there is room again
    batch = Batch(100)
    backlog.take(batch)
    assert "could not keep up" not in next(batch.invocations())


def test_opening_removes_what_is_too_old_or_too_much(tmp_path: Path) -> None:
    path, clock = tmp_path / "journal.db", lambda: 1000.0
    journal = Journal(path, result_limit=MB, clock=clock)
    journal.open()
    records = [
        record
        for number in range(2000)
        for record in (
            queued(f"i{number}", at=float(number)),
            AttemptStarted(float(number), f"i{number}", 1, "box", False),
            finished(f"i{number}", b"x" * 5000),
        )
    ]
    publish(journal, *records)
    journal.close()
    size = path.stat().st_size
    journal = Journal(
        path, result_limit=MB, clock=clock, retention=Retention(max_age=300.0, max_rows=1250)
    )
    journal.open()
    assert journal.prune(300.0, 1250) == 0  # waits for the one that opening has begun
    assert journal.counts().total == 1250
    assert (journal.find("i749"), journal.attempts("i749")) == (None, ())
    assert journal.find("i750") is not None
    assert journal.prune(100.0, 200_000) == 900 - 750
    assert journal.prune(1e9, 100) == 1000
    assert journal.counts().total == 100
    journal.close()
    assert path.stat().st_size < size / 2


def test_a_long_session_is_pruned_as_it_goes(tmp_path: Path) -> None:
    journal = Journal(
        tmp_path / "journal.db",
        result_limit=MB,
        clock=lambda: 0.0,
        retention=Retention(max_rows=1000),
    )
    journal.open()
    for start in range(0, 5000, 500):
        ids = [f"i{n}" for n in range(start, start + 500)]
        publish(journal, *(record for id_ in ids for record in (queued(id_), finished(id_))))
    journal.prune(1e9, 1_000_000)  # comes after those that are under way
    assert journal.counts().total <= 1500
    assert journal.find("i4999") is not None
    journal.close()


def test_what_a_living_session_has_not_finished_is_not_pruned(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", result_limit=MB, clock=lambda: 100.0)
    journal.open()
    publish(journal, queued("running"), queued("done"), finished("done"))
    assert journal.prune(0.0, 0) == 1
    assert journal.find("running") is not None
    journal.close()
    with pytest.raises(JournalUnavailable, match="opened before"):
        journal.open()
    journal = Journal(tmp_path / "journal.db", result_limit=MB, clock=lambda: 100.0)
    journal.open()
    journal.prune(0.0, 0)
    assert journal.counts().total == 0
    journal.close()


def test_closing_ends_the_thread_and_later_records_are_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", result_limit=MB, clock=lambda: 100.0)
    journal.open()
    assert repr(journal) == f"<Journal {journal.path} open, 0 records waiting>"
    journal.subscriber(queued("i1"))
    journal.close()
    journal.close()
    assert "nbfaas-journal" not in {thread.name for thread in threading.enumerate()}
    for number in range(1000):
        journal.subscriber(queued(f"late{number}"))
    assert not journal.flush()
    assert repr(journal) == f"<Journal {journal.path} closed, 0 records waiting>"
    with pytest.raises(JournalUnavailable, match="not open"):
        journal.find("i1")
