"""What was acknowledged is there after the power was lost, at whatever moment."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from deliveries import done, incoming
from losing_disk import LosingDisk

from nbfaas.delivery.store import EventStore

SEED = 4
POINTS = 600
BATCHES = 60


class Crash:
    """The disk as it may be found after one moment, and what was acknowledged until then."""

    def __init__(self, folder: Path, acknowledged: set[str], settled: set[int]) -> None:
        self.folder = folder
        self.acknowledged = frozenset(acknowledged)
        self.settled = frozenset(settled)


def crashes(root: Path, disk: LosingDisk, prepare: Callable[[EventStore], None]) -> list[Crash]:
    """Let a store work, and take what would remain at ``POINTS`` moments, spread over its writes
    and syncs."""
    chance = random.Random(SEED)
    taken: list[Crash] = []
    acknowledged: set[str] = set()
    settled: set[int] = set()
    store = EventStore(root / "live" / "events.db")
    store.open()
    disk.renamed("events.db.new", "events.db")
    prepare(store)

    def take() -> None:
        if len(taken) < POINTS and chance.random() < 0.6:
            folder = root / f"crash-{len(taken)}"
            folder.mkdir()
            # What is acknowledged now was so before this write or sync.
            disk.remains(folder, chance)
            taken.append(Crash(folder, acknowledged, settled))

    disk.on_step = take
    for batch in range(BATCHES):
        ids = [f"{batch}-{number}" for number in range(1 + batch % 5)]
        store.accept([incoming(id_, data="x" * (batch * 37 % 900)) for id_ in ids]).result()
        acknowledged.update(ids)
        deliveries = store.lease({"orders": 2}, time.time()).result()
        emits = (incoming(f"emitted-{batch}"),)
        store.settle([done(delivery, emits=emits) for delivery in deliveries]).result()
        settled.update(delivery.number for delivery in deliveries)
        acknowledged.update({f"emitted-{batch}"} if deliveries else ())
    disk.on_step = None
    store.close()
    return taken


def lost(crash: Crash) -> set[str]:
    """What was acknowledged and is not in the store that is opened after the crash."""
    store = EventStore(crash.folder / "events.db")
    store.open()
    try:
        events = store.history(limit=10_000)
        states = {d.number: d.state.value for event in events for d in event.deliveries}
        missing = crash.acknowledged - {event.id for event in events}
        undone = {str(number) for number in crash.settled if states.get(number) != "done"}
        return set(missing) | undone
    finally:
        store.close()
        shutil.rmtree(crash.folder)


@pytest.fixture
def disk():
    disk = LosingDisk()
    yield disk
    disk.unregister()


def small_checkpoints(store: EventStore) -> None:
    """So that many moments fall into checkpoints."""
    store._tx.connection.execute("PRAGMA wal_autocheckpoint = 40").fetchall()


def less_synchronous(store: EventStore) -> None:
    small_checkpoints(store)
    store._tx.connection.execute("PRAGMA synchronous = NORMAL").fetchall()


def test_no_acknowledged_event_is_lost_with_the_power(tmp_path: Path, disk: LosingDisk) -> None:
    taken = crashes(tmp_path, disk, small_checkpoints)
    assert len(taken) >= 500
    assert [crash.folder.name for crash in taken if lost(crash)] == []


def test_the_test_finds_losses_of_a_store_that_does_not_sync_each_commit(
    tmp_path: Path, disk: LosingDisk
) -> None:
    taken = crashes(tmp_path, disk, less_synchronous)
    assert any(lost(crash) for crash in taken)
