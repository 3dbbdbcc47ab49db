"""One process holds a store, from any of its threads, and leaves nothing behind."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from deliveries import done, id_of, incoming

from nbfaas.delivery.lock import StoreLock
from nbfaas.delivery.store import EventStore
from nbfaas.errors.delivery import EventStoreHeld, EventStoreUnavailable

HOLDER = """
import sys, time
from pathlib import Path
from nbfaas.delivery.lock import StoreLock
from nbfaas.delivery.store import EventStore
store = EventStore(Path(sys.argv[1]))
store.open()
print("open", flush=True)
time.sleep(60)
"""


@pytest.fixture
def elsewhere(path: Path):
    """A process that holds the store at ``path``."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    yield holder
    holder.kill()
    holder.communicate()


def test_a_second_process_is_told_who_holds_the_store(elsewhere, path: Path) -> None:
    with pytest.raises(EventStoreHeld) as caught:
        EventStore(path).open()
    assert f"pid {elsewhere.pid} (" in str(caught.value)
    assert Path(sys.executable).name in str(caught.value)
    assert "since " in str(caught.value)
    assert "config.event_store" in str(caught.value)


def test_a_store_is_free_once_its_process_was_killed(elsewhere, path: Path) -> None:
    elsewhere.kill()
    elsewhere.wait()
    store = EventStore(path)
    assert store.open() == 0
    store.close()


def test_a_second_store_of_the_process_is_told_so(store: EventStore, path: Path) -> None:
    with pytest.raises(EventStoreHeld, match="this very process"):
        EventStore(path).open()
    store.accept([incoming("a")]).result()
    assert store.open() == 1  # it is open already


def test_only_the_user_may_read_it(store: EventStore, path: Path) -> None:
    store.accept([incoming("a")]).result()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert len(modes) == 4  # -wal, -shm, .lock


def test_nothing_is_left_of_a_closed_store_but_its_file(path: Path) -> None:
    before = threading.active_count()
    descriptors = len(os.listdir("/proc/self/fd"))
    for _ in range(2):
        store = EventStore(path)
        store.open()
        store.accept([incoming("a")]).result()
        store.history()
        store.close()
        store.close()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert threading.active_count() == before
    assert len(os.listdir("/proc/self/fd")) == descriptors
    with pytest.raises(EventStoreUnavailable, match="not open"):
        store.accept([incoming("b")]).result()
    with pytest.raises(EventStoreUnavailable, match="not open"):
        store.history()


def test_what_was_asked_for_is_done_before_it_closes(store: EventStore, path: Path) -> None:
    futures = [store.accept([incoming(str(number))]) for number in range(3000)]
    store.close()
    assert all(future.done() and future.exception() is None for future in futures)
    reopened = EventStore(path)
    assert reopened.open() == 3000
    reopened.close()


def test_what_is_cancelled_in_time_is_not_done(store: EventStore) -> None:
    held = threading.Event()
    store._submit(_waiting_for(held))
    cancelled = store.accept([incoming("cancelled")])
    kept = store.accept([incoming("kept")])
    assert cancelled.cancel()
    held.set()
    kept.result()
    assert [event.id for event in store.history()] == ["kept"]


def _waiting_for(event: threading.Event):
    from nbfaas.delivery.operations import Ask

    return Ask(lambda tx: event.wait(10))


def test_many_threads_lose_nothing_and_get_nothing_twice(store: EventStore) -> None:
    def produce(part: int) -> None:
        for number in range(100):
            store.accept([incoming(f"{part}-{number}"), incoming(f"shared-{number}")]).result()

    def consume(_: int) -> list[str]:
        found: list[str] = []
        deadline = time.monotonic() + 30
        while len(handled) < 700 and time.monotonic() < deadline:
            deliveries = store.lease({"orders": 7}, 2e6).result()
            assert all(store.settle([done(delivery) for delivery in deliveries]).result())
            found += map(id_of, deliveries)
            handled.extend(map(id_of, deliveries))
        return found

    handled: list[str] = []
    with ThreadPoolExecutor(10) as threads:
        consumed = threads.map(consume, range(4))
        list(threads.map(produce, range(6)))
        got = [id_ for part in consumed for id_ in part]
    assert len(got) == len(set(got)) == 700
    assert store.waiting == {}


def test_a_forked_child_leaves_the_store_to_its_parent(store: EventStore, path: Path) -> None:
    store.accept([incoming("before")]).result()
    child = os.fork()
    if child == 0:
        try:
            with pytest.raises(EventStoreUnavailable, match="not open in this process"):
                store.accept([incoming("child")]).result(timeout=5)
            with pytest.raises(EventStoreHeld):
                store.open()
            store.close()
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    store.accept([incoming("after")]).result()
    assert store.backlog == 2
    with pytest.raises(EventStoreHeld):
        EventStore(path).open()


def test_a_child_forked_while_the_store_is_opened_does_not_hold_on_to_it(path: Path) -> None:
    path.parent.mkdir()
    lock = StoreLock(path)  # what opening begins with
    heard, says = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(says, b".")
        time.sleep(30)
        os._exit(0)
    os.read(heard, 1)
    lock._held.close()  # as the kernel does it when the process is killed
    StoreLock(path).release()
    os.kill(child, 9)
    os.waitpid(child, 0)
    os.close(heard)
    os.close(says)


def test_its_reprs_say_what_it_is(store: EventStore, path: Path) -> None:
    store.accept([incoming("a", key="k")]).result()
    assert repr(store) == f"<EventStore {path} open, 1 waiting>"
    [event] = store.history()
    assert repr(event) == "<KeptEvent 1 from 'test' id 'a', 1 deliveries>"
    assert repr(event.deliveries[0]) == "<KeptDelivery 1 orders waiting, attempt 0>"
    store.close()
    assert repr(store) == f"<EventStore {path} closed>"


def test_a_store_that_found_no_room_for_its_lock_can_be_opened_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(EventStoreUnavailable, match="No space left"):
            EventStore(path).open()
    store = EventStore(path)
    assert store.open() == 0
    store.close()
