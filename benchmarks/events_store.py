"""How fast events are accepted durably, and how soon a long backlog is opened.

    python benchmarks/events_store.py [backlog] [folder]

Prints, beside the disk's own limit (commits a second of one row by plain SQLite with
synchronous=FULL), events accepted a second: one by one, from 8 threads one by one, and in batches;
and with a backlog (100,000 if not given): opening the store, a lease, an accept, leasing and
settling all of it.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import apsw

from nbfaas.delivery.store import EventStore
from nbfaas.model.delivery import DeliveryState, Incoming, NewDelivery, Outcome

DELIVERIES = (NewDelivery("orders", "function:handle"),)
PAD = "x" * 200


def events(prefix: str, count: int) -> list[Incoming]:
    """Events of some 300 bytes, with one delivery each."""
    made = []
    for number in range(count):
        id_ = f"{prefix}-{number}"
        body = (
            f'{{"specversion":"1.0","id":"{id_}","source":"bench","type":"made","data":"{PAD}"}}'
        ).encode()
        made.append(Incoming("bench", id_, body, id_.encode(), deliveries=DELIVERIES))
    return made


def seconds(work: Callable[[], object]) -> float:
    before = time.perf_counter()
    work()
    return time.perf_counter() - before


def median(work: Callable[[int], object], times: int) -> float:
    """Milliseconds."""
    return 1000 * sorted(seconds(lambda n=n: work(n)) for n in range(times))[times // 2]


def in_threads(count: int, work: Callable[[int], None]) -> float:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]

    def run() -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return seconds(run)


def plain_commits(folder: Path, count: int = 2000) -> float:
    """Commits a second."""
    connection = apsw.Connection(str(folder / "plain.db"))
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    connection.execute("PRAGMA synchronous = FULL").fetchall()
    connection.execute("CREATE TABLE event (number INTEGER PRIMARY KEY, body TEXT)")

    def run() -> None:
        for number in range(count):
            connection.execute("INSERT INTO event VALUES (?, ?)", (number, PAD))

    taken = seconds(run)
    connection.close()
    return count / taken


def accepting(store: EventStore) -> None:
    singles = events("single", 3000)
    latencies = sorted(seconds(lambda e=e: store.accept([e]).result()) for e in singles)
    print(
        f"1 thread, one by one      {3000 / sum(latencies):>10,.0f} events/s, "
        f"median {1000 * latencies[1500]:.2f} ms, 99 % {1000 * latencies[2970]:.2f} ms"
    )
    for threads, size, count in ((8, 1, 8000), (1, 500, 100_000), (4, 500, 100_000)):
        made = events(f"{threads}-{size}", count)
        batches = [made[start : start + size] for start in range(0, count, size)]

        def produce(part: int, batches=batches, threads=threads) -> None:
            for batch in batches[part::threads]:
                store.accept(batch).result()

        taken = in_threads(threads, produce)
        print(f"{threads} threads, batches of {size:<5} {count / taken:>10,.0f} events/s")


def backlog(path: Path, count: int) -> None:
    store = EventStore(path)
    store.open()
    for start in range(0, count, 2000):
        store.accept(events(f"backlog-{start}", min(2000, count - start))).result()
    store.close()
    store = EventStore(path)
    print(f"open with {count:,} waiting: {1000 * seconds(store.open):.0f} ms")
    first = seconds(lambda: store.lease({"orders": 100}, time.time()).result())
    print(f"first lease of 100: {1000 * first:.1f} ms")
    one = median(lambda n: store.lease({"orders": 1}, time.time()).result(), 200)
    print(f"lease of 1: {one:.2f} ms")
    one = median(lambda n: store.accept(events(f"more-{n}", 1)).result(), 200)
    print(f"accept of 1: {one:.2f} ms")
    delivered = 0

    def deliver() -> None:
        nonlocal delivered
        while delivered < 50_000 and (found := store.lease({"orders": 500}, time.time()).result()):
            now = time.time()
            store.settle(
                [Outcome(each.number, each.epoch, DeliveryState.DONE, now) for each in found]
            ).result()
            delivered += len(found)

    taken = seconds(deliver)
    print(f"lease and settle, 500 at once: {delivered / taken:,.0f} deliveries/s")
    store.close()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    parent = sys.argv[2] if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory(prefix="nbfaas-bench-", dir=parent) as name:
        folder = Path(name)
        print(f"plain SQLite, 1 row each  {plain_commits(folder):>10,.0f} commits/s")
        store = EventStore(folder / "accepting" / "events.db")
        store.open()
        accepting(store)
        store.close()
        backlog(folder / "backlog" / "events.db", count)


if __name__ == "__main__":
    main()
