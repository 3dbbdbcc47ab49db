"""A program that accepts, handles and settles events until it kills itself.

    python crashing_program.py FOLDER RUN HOOK COUNT EVENTS [early]

It appends to files in FOLDER what the test compares with the store: ``acknowledged`` (an event's
id, once its future has resolved), ``handled`` (delivery, epoch, id: the handler ran) and
``completed`` (delivery, epoch: the store said that the outcome counts). At the COUNT-th time that
it comes by HOOK it kills itself as ``kill -9`` does. ``early``: the mistake that the test has to
find, acknowledging before the commit.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from nbfaas.delivery.operations import Settle
from nbfaas.delivery.store import EventStore
from nbfaas.delivery.transaction import Transaction
from nbfaas.delivery.writer import Writer
from nbfaas.model.delivery import DeliveryPolicy, DeliveryState, Incoming, NewDelivery, Outcome

FOLDER, RUN, HOOK, COUNT, EVENTS, *VARIANT = sys.argv[1:]
BATCH = 150
POLICY = DeliveryPolicy(max_attempts=4, max_age=1e9)
left = int(COUNT)


def passing(hook: str) -> None:
    """Where the program may be told to die."""
    global left
    if hook == HOOK:
        left -= 1
        if left == 0:
            time.sleep(0.003)  # let the other threads use what they have been told already
            os.kill(os.getpid(), signal.SIGKILL)


class DyingWriter(Writer):
    def _commit(self, group) -> None:
        passing("before_commit")
        if any(isinstance(operation, Settle) for operation in group):
            passing("in_settle_before_commit")
        super()._commit(group)
        passing("after_commit_before_acknowledge")

    def _acknowledge(self, group) -> None:
        super()._acknowledge(group)
        passing("after_acknowledge")


class EarlyWriter(DyingWriter):
    """Acknowledges before it commits."""

    def _commit(self, group) -> None:
        Writer._acknowledge(self, group)
        super()._commit(group)

    def _acknowledge(self, group) -> None:
        passing("after_acknowledge")


class Store(EventStore):
    writer_class = EarlyWriter if VARIANT == ["early"] else DyingWriter


def dying_checkpoints() -> None:
    """In the -wal mode only checkpoints write to the main file."""
    import apsw

    class File(apsw.VFSFile):
        def __init__(self, name, flags) -> None:
            self.is_main = bool(flags[0] & apsw.SQLITE_OPEN_MAIN_DB)
            super().__init__("unix", name, flags)

        def xWrite(self, data, offset) -> None:
            if self.is_main:
                passing("during_checkpoint")
            super().xWrite(data, offset)

        def xSync(self, flags) -> None:
            if self.is_main:
                passing("before_checkpoint_sync")
            super().xSync(flags)

    class Disk(apsw.VFS):
        def __init__(self) -> None:
            super().__init__("dying", "unix", makedefault=True)

        def xOpen(self, name, flags):
            return File(name, flags)

    global disk
    disk = Disk()


def dying_recovery() -> None:
    class Recovering(Transaction):
        def commit(self) -> None:
            passing("in_recovery_before_commit")
            super().commit()

    import nbfaas.delivery.store

    nbfaas.delivery.store.Transaction = Recovering


def appending(name: str):
    descriptor = os.open(Path(FOLDER) / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    return lambda lines: os.write(descriptor, "".join(f"{line}\n" for line in lines).encode())


acknowledged, handled, completed = map(appending, ("acknowledged", "handled", "completed"))


def event(number: int) -> Incoming:
    id_ = f"{RUN}-{number}"
    key = f"key-{number % 5}" if number % 20 == 0 else None
    new = NewDelivery("orders", "function:handle", POLICY, key=key, lease=number % 3 == 0)
    return Incoming("test", id_, b'{"id":"%s"}' % id_.encode(), id_.encode(), deliveries=(new,))


def produce(store: EventStore) -> None:
    for start in range(0, int(EVENTS), BATCH):
        events = [event(number) for number in range(start, start + BATCH)]
        accepted = store.accept(events).result()
        acknowledged([each.id for each in events])
        handle(store, [delivery for each in accepted for delivery in each.leased])


def consume(store: EventStore, producing: threading.Thread) -> None:
    while True:
        last = not producing.is_alive()
        deliveries = store.lease({"orders": BATCH}, time.time()).result()
        handle(store, deliveries)
        if last and not deliveries:
            return


def handle(store: EventStore, deliveries) -> None:
    if not deliveries:
        return
    passing("between_lease_and_run")
    handled([f"{d.number} {d.epoch} {d.body[7:-2].decode()}" for d in deliveries])
    passing("between_run_and_settle")
    outcomes = [Outcome(d.number, d.epoch, DeliveryState.DONE, 1.0) for d in deliveries]
    counted = store.settle(outcomes).result()
    completed(
        [f"{d.number} {d.epoch}" for d, counts in zip(deliveries, counted, strict=True) if counts]
    )


def main() -> None:
    if "checkpoint" in HOOK:
        dying_checkpoints()
    if "recovery" in HOOK:
        dying_recovery()
    store = Store(Path(FOLDER) / "events.db")
    store.open()
    if "checkpoint" in HOOK:
        store._tx.connection.execute("PRAGMA wal_autocheckpoint = 100").fetchall()
    print("open", flush=True)
    producing = threading.Thread(target=produce, args=(store,))
    producing.start()
    consume(store, producing)
    store.close()


main()
