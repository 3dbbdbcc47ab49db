"""The journal gives back what was published, however it fell into batches."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbfaas.journal import Journal
from nbfaas.journal.batch import Batch
from nbfaas.journal.commit import begin_session, write
from nbfaas.journal.database import open_writer
from nbfaas.model.invocation import AttemptStats, InvocationState, SandboxState
from nbfaas.model.records import (
    AttemptFinished,
    AttemptStarted,
    InvocationFinished,
    InvocationQueued,
    LogWritten,
    Record,
    SandboxChanged,
)

MB = 1024 * 1024


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "data" / "journal.db", result_limit=MB, clock=lambda: 100.0)
    journal.open()
    yield journal
    journal.close()
    assert journal.notice is None


def queued(id_: str = "i1", at: float = 10.0, **more: object) -> InvocationQueued:
    return InvocationQueued(at, id_, "score", "0123456789ab", **more)  # type: ignore[arg-type]


def stats(
    attempt: int = 1, state: InvocationState = InvocationState.SUCCEEDED, error: str | None = None
) -> AttemptStats:
    return AttemptStats(attempt, state, "box", 11.5, 0.5, 2.0, 1.0, 0.25, 0.1, 3000, True, error)


def finished(
    id_: str = "i1",
    state: InvocationState = InvocationState.SUCCEEDED,
    result: bytes | None = b"42",
    **more: object,
) -> InvocationFinished:
    values = {"attempts": 1, "error": None, "failure": None, "log": b"", **more}
    return InvocationFinished(20.0, id_, state, result=result, **values)  # type: ignore[arg-type]


def publish(journal: Journal, *records: Record) -> None:
    for record in records:
        journal.subscriber(record)
    assert journal.flush()


def test_a_queued_invocation_is_found_with_all_that_is_known_of_it(journal: Journal) -> None:
    publish(journal, queued(run_id="run", index=7))
    found = journal.find("i1")
    assert found is not None
    assert (found.id, found.function, found.version) == ("i1", "score", "0123456789ab")
    assert (found.state, found.lost, found.finished_at) == (InvocationState.QUEUED, False, None)
    assert (found.run_id, found.index, found.queued_at, found.attempts) == ("run", 7, 10.0, 0)
    assert repr(found) == "<JournaledInvocation i1 score QUEUED>"


def test_an_attempt_that_runs_is_listed_before_its_figures_are_known(journal: Journal) -> None:
    publish(journal, queued(), AttemptStarted(11.5, "i1", 1, "box", True))
    found = journal.find("i1")
    assert found is not None
    assert (found.state, found.attempts) == (InvocationState.RUNNING, 1)
    (attempt,) = journal.attempts("i1")
    assert (attempt.state, attempt.sandbox, attempt.started_at, attempt.wall) == (
        InvocationState.RUNNING,
        "box",
        11.5,
        0.0,
    )


@pytest.mark.parametrize("flush_between", [False, True])
def test_attempts_come_back_as_they_were_measured(journal: Journal, flush_between: bool) -> None:
    first = stats(1, InvocationState.FAILED, "OSError: busy")
    second = stats(2)
    for record in (
        queued(),
        AttemptStarted(11.5, "i1", 1, "box", True),
        AttemptFinished(12.0, "i1", first),
        AttemptStarted(13.0, "i1", 2, "box", False),
        AttemptFinished(14.0, "i1", second),
        finished(attempts=2),
    ):
        journal.subscriber(record)
        if flush_between:
            assert journal.flush()
    assert journal.flush()
    assert journal.attempts("i1") == (first, second)
    found = journal.find("i1")
    assert found is not None
    assert found.attempts == 2


def test_a_failed_attempt_leaves_the_invocation_retrying(journal: Journal) -> None:
    publish(journal, queued(), AttemptFinished(12.0, "i1", stats(1, InvocationState.FAILED)))
    found = journal.find("i1")
    assert found is not None
    assert found.state is InvocationState.RETRYING


def test_output_is_there_while_the_invocation_still_runs(journal: Journal) -> None:
    publish(journal, queued(), AttemptStarted(11.0, "i1", 1, "box", False))
    publish(journal, LogWritten(12.0, "i1", 1, 1, b"one\n\0\xff"))
    publish(journal, LogWritten(12.0, "i1", 1, 2, b"two\n"), LogWritten(12.0, "i1", 1, 1, b"3\n"))
    assert journal.log("i1") == b"one\n\0\xfftwo\n3\n"
    found = journal.find("i1")
    assert found is not None
    assert found.state is InvocationState.RUNNING


@pytest.mark.parametrize("size", [0, 100, 100_000])
def test_a_result_and_log_of_any_size_come_back(journal: Journal, size: int) -> None:
    result, log = bytes(range(256)) * (size // 100), b"\0line\n" * (size // 10)
    publish(journal, queued(), finished(result=result, log=log))
    found = journal.find("i1")
    assert found is not None
    assert (found.state, found.result, found.result_note) == (
        InvocationState.SUCCEEDED,
        result,
        None,
    )
    assert found.log == log[-64 * 1024 :]
    assert found.finished_at == 20.0


def test_a_failure_comes_back_as_data(journal: Journal) -> None:
    failure = {"type": "ValueError", "notes": ["é", "\udc80", "nul \0"], "depth": {"n": 2**70}}
    publish(
        journal,
        queued(),
        finished(
            state=InvocationState.FAILED, result=None, error="ValueError: \udc80", failure=failure
        ),
    )
    found = journal.find("i1")
    assert found is not None
    assert (found.state, found.result, found.result_note) == (InvocationState.FAILED, None, None)
    assert found.error == "ValueError: \\udc80"
    # What is no valid text is shown as Python would write it.
    assert found.failure == failure | {"notes": ["é", "\\udc80", "nul \0"]}


def test_a_failure_nested_too_deep_costs_only_itself(journal: Journal) -> None:
    failure: dict[str, object] = {}
    for _ in range(100_000):
        failure = {"cause": failure}
    publish(
        journal,
        queued(),
        finished(state=InvocationState.FAILED, result=None, error="E: x", failure=failure),
    )
    while failure:  # or the interpreter would free it by recursion
        failure = failure.pop("cause")  # type: ignore[assignment]
    found = journal.find("i1")
    assert found is not None
    assert (found.error, found.failure) == ("E: x", None)


def test_sandbox_records_are_not_kept_and_not_in_the_way(journal: Journal) -> None:
    publish(journal, SandboxChanged(1.0, "box", SandboxState.IDLE, None, None, "python"), queued())
    assert journal.counts().total == 1


def test_what_comes_after_the_outcome_does_not_change_it(journal: Journal) -> None:
    late = (
        AttemptFinished(21.0, "i1", stats()),
        LogWritten(21.0, "i1", 1, 1, b"late"),
        AttemptStarted(21.0, "i1", 2, "box", False),
    )
    publish(journal, queued(), finished(state=InvocationState.CANCELLED, result=None))
    publish(journal, *late)
    found = journal.find("i1")
    assert found is not None
    assert (found.state, found.attempts, found.log) == (InvocationState.CANCELLED, 1, b"")


def test_an_outcome_whose_beginning_was_missed_is_kept(journal: Journal) -> None:
    publish(journal, finished())
    found = journal.find("i1")
    assert found is not None
    assert (found.state, found.function, found.result) == (InvocationState.SUCCEEDED, "", b"42")


def test_one_unwritable_record_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", result_limit=MB, clock=lambda: 100.0)
    journal.open()
    for record in (queued("i1"), queued("i2", index="not a number"), queued("i3"), finished("i1")):
        journal.subscriber(record)
    assert not journal.flush()
    assert "INTEGER" in str(journal.notice)
    assert [journal.find(id_) is not None for id_ in ("i1", "i2", "i3")] == [True, False, True]
    publish(journal, queued("i4"))
    assert journal.find("i4") is not None
    journal.close()


def test_a_map_is_listed_newest_first_and_filtered(journal: Journal) -> None:
    items = [queued(f"m{n}", at=100.0 + n, run_id="run", index=n) for n in range(5000)]
    outcomes = [finished(f"m{n}", log=b"x") for n in range(0, 5000, 2)]
    publish(journal, queued("other", at=9000.0), *items, *outcomes)
    counts = journal.counts()
    assert counts.by_state == {InvocationState.QUEUED: 2501, InvocationState.SUCCEEDED: 2500}
    assert (counts.total, counts.lost) == (5001, 0)
    assert [item.id for item in journal.latest(3)] == ["other", "m4999", "m4998"]
    done = journal.latest(2, state=InvocationState.SUCCEEDED, function="score")
    assert [item.id for item in done] == ["m4998", "m4996"]
    assert (done[0].result, done[0].log) == (None, b"")
    assert done[0].result_note == "left out of lists; find(id) has it"
    run = journal.latest(10_000, run_id="run")
    assert [item.index for item in run] == list(reversed(range(5000)))
    assert journal.latest(5, function="nobody") == []


def test_an_unknown_id_is_not_found(journal: Journal) -> None:
    assert journal.find("nobody") is None
    assert journal.attempts("nobody") == ()
    assert journal.log("nobody") == b""


IDS = st.sampled_from(["a", "b", "c"])
STEPS: list[Callable[[str], st.SearchStrategy[Record]]] = [
    lambda id_: st.builds(
        AttemptStarted, st.just(2.0), st.just(id_), st.integers(1, 3), st.just("s"), st.booleans()
    ),
    lambda id_: st.builds(
        AttemptFinished,
        st.just(3.0),
        st.just(id_),
        st.builds(
            stats,
            st.integers(1, 3),
            st.sampled_from([InvocationState.FAILED, InvocationState.SUCCEEDED]),
        ),
    ),
    lambda id_: st.builds(
        LogWritten, st.just(4.0), st.just(id_), st.just(1), st.just(1), st.binary(max_size=9)
    ),
    lambda id_: st.builds(finished, st.just(id_), result=st.binary(max_size=9), log=st.binary()),
]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    records=st.lists(IDS.flatmap(lambda id_: st.one_of([step(id_) for step in STEPS]))),
    cuts=st.sets(st.integers(0, 20)),
)
def test_how_records_fall_into_batches_makes_no_difference(
    records: list[Record], cuts: set[int]
) -> None:
    records = [queued(id_, at=1.0) for id_ in "abc"] + ordered(records)
    assert rows(records, set()) == rows(records, cuts)


def ordered(records: list[Record]) -> list[Record]:
    """As the dispatcher publishes: attempts start in order, and each ends at most once."""
    started: dict[str, int] = {}
    ended: set[tuple[str, int]] = set()
    kept = []
    for record in records:
        match record:
            case AttemptStarted(invocation_id=id_, attempt=attempt):
                if attempt <= started.get(id_, 0):
                    continue
                started[id_] = attempt
            case AttemptFinished(invocation_id=id_, stats=AttemptStats(attempt=attempt)):
                if attempt != started.get(id_, 0) or (id_, attempt) in ended:
                    continue
                ended.add((id_, attempt))
        kept.append(record)
    return kept


def rows(records: list[Record], cuts: set[int]) -> list[object]:
    with tempfile.TemporaryDirectory() as folder:
        connection, _ = open_writer(Path(folder) / "journal.db", 0.0)
        session = begin_session(connection, 0.0)
        batch = Batch(log_tail=16)
        for number, record in enumerate(records):
            batch.add(record)
            if number in cuts:
                write(connection, session, batch, 16)
                batch = Batch(log_tail=16)
        write(connection, session, batch, 16)
        found = [
            connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("invocation", "attempt")
        ]
        connection.close()
    return found
