"""What counting records, and logging them as JSON, costs the thread that publishes.

    python benchmarks/metrics_cost.py [invocations]

Prints ns for each record (four to an invocation, as in a map): of a subscriber that does nothing,
of the metrics', of the JSON log's while its thread stands still, and of both; then what a scrape
takes with 200 functions, and how many lines a second the log's thread writes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import msgspec

from benchmarks.journal_publish import records
from nbfaas.metrics.json_logs import Bounds, JsonLog
from nbfaas.metrics.registry import Metrics
from nbfaas.model.records import Record, Subscriber

ROUNDS = 5


def nothing(record: Record) -> None:
    """What calling a subscriber costs by itself."""


def per_record(made: list[Record], *subscribers: Subscriber) -> float:
    """ns, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter_ns()
        for record in made:
            for subscriber in subscribers:
                subscriber(record)
        best = min(best, (time.perf_counter_ns() - start) / len(made))
    return best


def scrape() -> tuple[float, int]:
    """Seconds and bytes of one, with 200 functions."""
    metrics = Metrics()
    for number in range(200):
        queued, *others = records(number)
        metrics.subscriber(msgspec.structs.replace(queued, function=f"function_{number}"))
        for record in others:
            metrics.subscriber(record)
    metrics.render()
    start = time.perf_counter()
    text, _ = metrics.render()
    return time.perf_counter() - start, len(text)


def lines_a_second(made: list[Record]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        log = JsonLog(str(Path(folder) / "log.jsonl"), print, Bounds(records=len(made)))
        for record in made:
            log.subscriber(record)
        start = time.perf_counter()
        log.open()
        log.close(600)
        return len(made) / 2 / (time.perf_counter() - start)  # two of four records make a line


def main(invocations: int) -> None:
    made = [record for number in range(invocations) for record in records(number)]
    log = JsonLog("stderr", print, Bounds(records=10 * ROUNDS * len(made)))
    metrics = Metrics()
    none = per_record(made, nothing)
    print(f"no-op subscriber  {none:6.0f} ns/record")
    print(f"metrics           {per_record(made, metrics.subscriber):6.0f} ns/record")
    print(f"JSON log          {per_record(made, log.subscriber):6.0f} ns/record")
    both = per_record(made, metrics.subscriber, log.subscriber)
    print(f"both              {both:6.0f} ns/record, {both * 4 / 1000:.1f} µs for each invocation")
    took, size = scrape()
    print(f"a scrape of 200 functions: {took * 1e3:.0f} ms, {size / 1024:.0f} KB")
    print(f"JSON log's thread: {lines_a_second(made):,.0f} lines/s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
