"""What was committed stays, whatever happens to the process, the file, the folder or the disk."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest

from nbfaas.errors import JournalDamaged, JournalUnavailable
from nbfaas.journal import Journal
from nbfaas.model.invocation import InvocationState
from nbfaas.model.records import AttemptStarted, InvocationFinished, InvocationQueued, Record

MB = 1024 * 1024

PREAMBLE = """
import itertools, os, resource, sys, time
from nbfaas.errors import JournalError
from nbfaas.journal import Journal
from nbfaas.model.invocation import InvocationState
from nbfaas.model.records import *

def queued(id_):
    return InvocationQueued(time.time(), id_, "score", "0123456789ab")

def finished(id_):
    now, state = time.time(), InvocationState.SUCCEEDED
    return InvocationFinished(now, id_, state, 1, None, id_.encode() * 20, None, b"")

def opened(path):
    journal = Journal(path, result_limit=1 << 20)
    journal.open()
    return journal
"""


def python(script: str, *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PREAMBLE + script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    return out


def opened(path: Path) -> Journal:
    journal = Journal(path, result_limit=MB)
    journal.open()
    return journal


def queued(id_: str) -> InvocationQueued:
    return InvocationQueued(time.time(), id_, "score", "0123456789ab")


def finished(id_: str) -> InvocationFinished:
    now, state = time.time(), InvocationState.SUCCEEDED
    return InvocationFinished(now, id_, state, 1, None, id_.encode() * 20, None, b"")


def publish(journal: Journal, *records: Record) -> None:
    for record in records:
        journal.subscriber(record)
    assert journal.flush()


def filled(path: Path, count: int = 3) -> None:
    journal = opened(path)
    for number in range(count):
        journal.subscriber(queued(f"i{number}"))
        journal.subscriber(finished(f"i{number}"))
    journal.close()
    assert journal.notice is None


def integrity(path: Path) -> str:
    connection = apsw.Connection(str(path))
    answer = connection.execute("PRAGMA integrity_check").fetchall()[0][0]
    connection.close()
    return str(answer)


def test_what_was_flushed_survives_kill_9(tmp_path: Path) -> None:
    script = """
journal = opened(sys.argv[1])
for number in itertools.count():
    journal.subscriber(queued(f"i{number}"))
    if number % 2:
        journal.subscriber(finished(f"i{number}"))
    if number % 500 == 499:
        assert journal.flush()
        print(number, flush=True)
"""
    path = tmp_path / "journal.db"
    process = python(script, path)
    assert process.stdout is not None
    last = [int(process.stdout.readline()) for _ in range(5)][-1]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert integrity(path) == "ok"
    journal = opened(path)
    assert journal.notice is None
    for number in range(0, last + 1, 97):
        found = journal.find(f"i{number}")
        assert found is not None
        if number % 2:
            assert (found.result, found.lost) == (f"i{number}".encode() * 20, False)
        else:
            # Its state is legal and will never change: the session that ran it is gone.
            assert (found.state, found.lost) == (InvocationState.QUEUED, True)
    counts = journal.counts()
    assert counts.lost == counts.by_state[InvocationState.QUEUED] >= (last + 1) / 2
    journal.close()


def test_two_processes_write_to_one_journal_at_once(tmp_path: Path) -> None:
    script = """
journal = opened(sys.argv[1])
for number in range(5000):
    journal.subscriber(queued(f"{sys.argv[2]}{number}"))
    journal.subscriber(finished(f"{sys.argv[2]}{number}"))
    if number % 100 == 0:
        time.sleep(0.005)
        assert number % 1000 or journal.flush(30)
journal.close()
assert journal.notice is None, journal.notice
"""
    path = tmp_path / "new" / "journal.db"
    processes = [python(script, path, name) for name in "abc"]
    for process in processes:
        output(process)
    journal = opened(path)
    assert journal.counts().by_state == {InvocationState.SUCCEEDED: 15_000}
    assert journal.find("b4999") is not None
    journal.close()


def test_what_another_living_process_runs_is_not_lost(tmp_path: Path) -> None:
    script = """
journal = opened(sys.argv[1])
journal.subscriber(queued("theirs"))
print(journal.flush(), flush=True)
sys.stdin.read()
"""
    path = tmp_path / "journal.db"
    journal = opened(path)
    publish(journal, queued("mine"), AttemptStarted(11.0, "mine", 1, "box", False))
    process = subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"True\n"
    assert [(item.id, item.lost) for item in journal.latest(5)] == [
        ("theirs", False),
        ("mine", False),
    ]
    assert journal.counts().lost == 0
    process.communicate()  # the end of its input ends it, without close()
    assert [(item.id, item.lost) for item in journal.latest(5)] == [
        ("theirs", True),
        ("mine", False),
    ]
    journal.close()


def test_what_a_closed_journal_did_not_finish_is_lost(tmp_path: Path) -> None:
    journal = opened(tmp_path / "journal.db")
    publish(journal, queued("i1"))
    journal.close()
    journal = opened(tmp_path / "journal.db")
    assert journal.latest(1)[0].lost
    journal.close()


@pytest.mark.parametrize("damage", ["header", "truncated", "schema"])
def test_a_damaged_file_is_kept_and_a_new_one_begun(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "journal.db"
    filled(path, 300)
    content = path.read_bytes()
    if damage == "header":
        path.write_bytes(b"garbage!" * 8 + content[64:])
    elif damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.write_bytes(content[:100] + b"\xaa" * 3996 + content[4096:])
    damaged = path.read_bytes()
    (tmp_path / "journal.db-wal").write_bytes(b"what was not yet in it")
    journal = opened(path)
    notice = journal.notice
    assert isinstance(notice, JournalDamaged)
    kept = Path(notice.kept_as)
    assert kept.name.startswith("journal.db.damaged-")
    assert str(path) in str(notice)
    assert str(kept) in str(notice)
    assert kept.read_bytes() == damaged
    publish(journal, queued("new"))
    assert [item.id for item in journal.latest(10)] == ["new"]
    journal.close()
    journal = opened(path)
    assert journal.notice is None
    assert journal.find("new") is not None
    journal.close()


def test_damage_that_shows_only_later_costs_no_new_record(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    filled(path, 2000)
    with path.open("r+b") as file:  # all but the page that holds the schema
        file.seek(4096)
        file.write(b"\xaa" * (path.stat().st_size - 4096))
    journal = opened(path)
    publish(journal, queued("new"), finished("new"))
    assert isinstance(journal.notice, JournalDamaged)
    assert Path(journal.notice.kept_as).exists()
    assert journal.find("new") is not None
    publish(journal, queued("newer"))
    assert journal.counts().total == 2
    journal.close()
    assert integrity(path) == "ok"


def test_a_journal_of_a_newer_nbfaas_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    filled(path)
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(JournalUnavailable, match="newer nbfaas"):
        Journal(path, result_limit=MB).open()
    assert path.read_bytes() == before


def test_the_journal_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "journal.db"
    journal = opened(path)
    publish(journal, queued("i1"))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    journal.close()


def test_a_folder_that_can_not_be_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    journal = Journal(tmp_path / "file" / "journal.db", result_limit=MB)
    with pytest.raises(JournalUnavailable, match=r"file/journal.db.*NBFAAS_DATA_DIR"):
        journal.open()
    assert isinstance(journal.notice, JournalUnavailable)
    journal.subscriber(queued("i1"))  # calls go on
    assert not journal.flush()
    journal.close()


def test_a_folder_without_write_permission_is_named(tmp_path: Path) -> None:
    script = """
opened(sys.argv[1]).close()  # imports everything while it may be read
if os.getuid() == 0:
    os.setuid(65534)
os.umask(0)
try:
    opened(sys.argv[2])
except JournalError as error:
    print(type(error).__name__, error)
"""
    folder = tmp_path / "readonly"
    folder.mkdir()
    folder.chmod(0o555)
    printed = output(python(script, tmp_path / "other" / "journal.db", folder / "journal.db"))
    assert printed.startswith("JournalUnavailable ")
    assert "Permission denied" in printed
    assert "NBFAAS_DATA_DIR" in printed


def test_a_full_disk_is_reported_and_nothing_lost_once_there_is_space(tmp_path: Path) -> None:
    script = """
journal = opened(sys.argv[1])
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
journal.subscriber(queued("before"))
assert journal.flush()
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
for number in range(5000):
    journal.subscriber(queued(f"i{number}"))
    journal.subscriber(finished(f"i{number}"))
assert not journal.flush(1)
print(type(journal.notice).__name__, journal.find("before").id, flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
assert journal.flush(20)
assert journal.counts().total == 5001
journal.close()
"""
    assert output(python(script, tmp_path / "journal.db")) == "JournalUnavailable before\n"


def test_closing_on_a_full_disk_ends_and_says_what_was_not_written(tmp_path: Path) -> None:
    script = """
journal = opened(sys.argv[1])
journal.flush()
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
for number in range(100):
    journal.subscriber(queued(f"i{number}"))
journal.close()
print(journal.notice)
"""
    printed = output(python(script, tmp_path / "journal.db"))
    assert "100 records could not be written" in printed


def test_a_session_that_just_ends_has_written_everything(tmp_path: Path) -> None:
    output(python('opened(sys.argv[1]).subscriber(queued("last"))', tmp_path / "journal.db"))
    journal = opened(tmp_path / "journal.db")
    assert journal.find("last") is not None
    journal.close()


def test_a_forked_child_leaves_the_journal_to_its_parent(tmp_path: Path) -> None:
    script = """
journal = opened(sys.argv[1])
journal.subscriber(queued("before"))
child = os.fork()
journal.subscriber(queued("child" if child == 0 else "parent"))
if child == 0:
    assert not journal.flush()
    try:
        journal.find("before")
    except JournalError as error:
        assert "this very process" in str(error)
    journal.close()
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert journal.flush()
assert {item.id for item in journal.latest(9)} == {"before", "parent"}
journal.close()
assert journal.notice is None
"""
    output(python(script, tmp_path / "journal.db"))
    assert integrity(tmp_path / "journal.db") == "ok"
    assert sorted(os.listdir(tmp_path)) == ["journal.db", "journal.db.lock"]
