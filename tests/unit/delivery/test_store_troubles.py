"""What can't be kept is not acknowledged; a damaged file is never touched."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import failing_disk
import pytest
from deliveries import done, incoming

from nbfaas.delivery.database import open_writer
from nbfaas.delivery.store import EventStore
from nbfaas.errors.delivery import EventStoreDamaged, EventStoreUnavailable


@pytest.fixture
def disk() -> Iterator[failing_disk.FailingDisk]:
    with failing_disk.inserted() as disk:
        yield disk


@pytest.mark.parametrize(
    ("method", "error", "reason"),
    [
        ("xWrite", apsw.FullError, "the disk is full"),
        ("xWrite", apsw.IOError, "xWrite failed|I/O error"),
        ("xSync", apsw.IOError, "xSync failed|I/O error"),
        ("xWrite", apsw.ReadOnlyError, "xWrite failed|readonly|read-only"),
    ],
)
def test_what_cannot_be_written_is_not_acknowledged_and_later_it_works_again(
    disk, store: EventStore, path: Path, notices: list[str], method, error, reason
) -> None:
    store.accept([incoming("before")]).result()
    [delivery] = store.lease({"orders": 1}, 2e6).result()
    disk.failures[method] = error
    for _ in range(3):
        with pytest.raises(EventStoreUnavailable, match=reason) as caught:
            store.accept([incoming("during")]).result()
        assert str(path) in str(caught.value)
        with pytest.raises(EventStoreUnavailable):
            store.settle([done(delivery)]).result()
        assert store.next_due(["orders"]).result() is None  # that this can be says nothing
    assert store.waiting == {}
    assert len(notices) == 1  # told once, and not three times
    disk.failures.clear()
    assert not store.accept([incoming("during")]).result()[0].duplicate
    assert store.settle([done(delivery)]).result() == [True]
    assert store.waiting == {"orders": 1}
    assert "can be written again" in notices[1]
    store.close()
    reopened = EventStore(path)
    assert reopened.open() == 1
    reopened.close()


def test_a_lock_of_another_program_is_waited_for_and_then_named(
    store: EventStore, path: Path
) -> None:
    store._tx.connection.setbusytimeout(50)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(EventStoreUnavailable, match="another program has locked"):
        store.accept([incoming("a")]).result()
    other.execute("ROLLBACK")
    other.close()
    store.accept([incoming("a")]).result()
    assert store.backlog == 1


@pytest.mark.parametrize("damage", ["header", "page", "empty", "text", "truncated"])
def test_a_damaged_file_is_left_as_it_is(store: EventStore, path: Path, damage: str) -> None:
    store.accept([incoming(str(number)) for number in range(2000)]).result()
    store.close()
    contents = bytearray(path.read_bytes())
    match damage:
        case "header":
            contents[:100] = b"\xff" * 100
        case "page":
            contents[4096:-4096] = b"\xa5" * (len(contents) - 8192)
        case "empty":
            contents.clear()
        case "text":
            contents[:] = b"not a database at all " * 1000
        case "truncated":
            del contents[len(contents) // 2 :]
    path.write_bytes(contents)
    for _ in range(2):
        broken = EventStore(path)
        with pytest.raises(EventStoreDamaged, match=path.name):
            broken.open()
        with pytest.raises(EventStoreUnavailable):
            broken.accept([incoming("x")]).result()
        broken.close()
    assert path.read_bytes() == bytes(contents)
    assert not path.with_name(path.name + ".lock").exists()


def test_damage_that_shows_up_later_stops_the_store_and_leaves_the_file(
    store: EventStore, path: Path, notices: list[str]
) -> None:
    store.accept([incoming(str(number)) for number in range(3000)]).result()
    store.close()
    store = EventStore(path, on_notice=notices.append)
    store.open()
    contents = bytearray(path.read_bytes())
    pages = len(contents) // 4096
    with path.open("r+b") as file:
        for page in range(pages // 2, pages):
            file.seek(4096 * page)
            file.write(b"\xa5" * 4096)
    damaged = path.read_bytes()
    with pytest.raises(EventStoreDamaged):
        _lease_all(store)
    with pytest.raises(EventStoreDamaged):
        store.accept([incoming("later", trigger=None)]).result()
    with pytest.raises(EventStoreDamaged):
        store.history(limit=5000)
    wal = path.with_name(path.name + "-wal")
    kept = wal.read_bytes()
    store.close()
    assert (path.read_bytes(), wal.read_bytes()) == (damaged, kept)
    assert len(notices) == 1


def test_damage_that_a_question_finds_stops_the_store_too(store: EventStore, path: Path) -> None:
    store.accept([incoming(str(number)) for number in range(3000)]).result()
    store.close()
    store = EventStore(path)
    store.open()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xa5" * (size - size // 2))
    with pytest.raises(EventStoreDamaged):
        store.history(limit=5000)
    with pytest.raises(EventStoreDamaged):
        store.accept([incoming("later", trigger=None)]).result()
    store.close()


def test_a_file_that_was_removed_in_use_takes_no_more_events(store: EventStore, path: Path) -> None:
    store.accept([incoming("a")]).result()
    path.rename(path.with_name("elsewhere.db"))
    with pytest.raises(EventStoreDamaged, match="moved or removed"):
        store.accept([incoming("b")]).result()


def test_a_log_without_its_file_is_not_applied_to_a_new_one(store: EventStore, path: Path) -> None:
    store.accept([incoming("a")]).result()
    wal = path.with_name(path.name + "-wal")
    contents = wal.read_bytes()
    store.close()
    path.unlink()
    wal.write_bytes(contents)
    with pytest.raises(EventStoreDamaged, match="it is missing, but"):
        EventStore(path).open()
    assert wal.read_bytes() == contents


def test_a_file_that_is_something_else_is_not_used(path: Path) -> None:
    path.parent.mkdir(parents=True)
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE mine (x)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(EventStoreUnavailable, match="no event store"):
        EventStore(path).open()
    assert path.read_bytes() == before


def test_a_file_of_a_newer_version_is_not_used(store: EventStore, path: Path) -> None:
    store.close()
    connection = open_writer(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(EventStoreUnavailable, match="a newer nbfaas"):
        EventStore(path).open()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EventStoreUnavailable, match="NBFAAS_DATA_DIR"):
        EventStore(tmp_path / "file" / "events" / "x.db").open()


def test_a_store_that_was_being_made_at_a_crash_is_made_anew(path: Path) -> None:
    path.parent.mkdir(parents=True)
    for suffix in (".new", ".new-journal", ".new-wal"):
        path.with_name(path.name + suffix).write_bytes(b"half")
    store = EventStore(path)
    assert store.open() == 0
    store.close()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def _lease_all(store: EventStore) -> None:
    while store.backlog:
        store.lease({"orders": 1000}, time.time()).result()
