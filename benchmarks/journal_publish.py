"""What recording costs the thread that publishes, and how fast the journal writes.

    python benchmarks/journal_publish.py [invocations]

Prints µs for each record published, and records written a second, for a burst and for a steady
stream of 10,000 and 40,000 invocations a second (four records each).
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from nbfaas.journal import Journal
from nbfaas.model.invocation import AttemptStats, InvocationState
from nbfaas.model.records import (
    AttemptFinished,
    AttemptStarted,
    InvocationFinished,
    InvocationQueued,
    Record,
)

RESULT = b"\x80\x05K\x2a." * 10


def records(number: int) -> tuple[Record, ...]:
    """The four records of one successful invocation, with a result of 50 bytes."""
    id_, now = f"bench-{number}", time.time()
    state = InvocationState.SUCCEEDED
    stats = AttemptStats(1, state, "sandbox", now, 1e-4, 1e-3, 1e-4, 1e-4, 1e-4, 30_000_000, False)
    return (
        InvocationQueued(now, id_, "score", "0123456789ab", "run-1", number),
        AttemptStarted(now, id_, 1, "sandbox", False),
        AttemptFinished(now, id_, stats),
        InvocationFinished(now, id_, state, 1, None, RESULT, None, b"scoring\n"),
    )


def measure(invocations: int, rate: float | None) -> None:
    """Publish ``invocations``, at ``rate`` a second or at once, and print the figures."""
    made = [record for number in range(invocations) for record in records(number)]
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.db", result_limit=1024 * 1024)
        journal.open()
        journal.flush()
        publish, spent, worst = journal.subscriber, 0.0, 0.0
        cpu, start = time.process_time(), time.perf_counter()
        step = len(made) if rate is None else max(4, int(rate * 4 / 1000))
        for at in range(0, len(made), step):
            before = time.perf_counter()
            for record in made[at : at + step]:
                publish(record)
            took = time.perf_counter() - before
            spent, worst = spent + took, max(worst, took)
            if rate is not None:
                time.sleep(max(0.0, start + (at + step) / 4 / rate - time.perf_counter()))
        published = time.perf_counter() - start
        written = journal.flush(120)
        total, cpu = time.perf_counter() - start, time.process_time() - cpu
        kept = journal.counts().total
        journal.close()
    name = "burst" if rate is None else f"{rate:,.0f} invocations/s"
    print(
        f"{name:>22}: publish {spent / len(made) * 1e6:.2f} µs/record (longest step of {step} "
        f"records {worst * 1e3:.2f} ms); all written {total - published:.2f} s after the last, "
        f"{len(made) / total:,.0f} records/s, {cpu / total:.0%} CPU; "
        f"{kept:,} of {invocations:,} kept, {journal.dropped} dropped, flushed: {written}"
    )


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    measure(count, None)
    measure(count, 10_000.0)
    measure(count, 40_000.0)
