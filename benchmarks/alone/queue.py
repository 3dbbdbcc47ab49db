"""100,000 queued invocations: submitting, memory, cancelling, and whether steps stay as cheap."""

from __future__ import annotations

import gc
import time
from pathlib import Path

from benchmarks.alone import Figures, docker_service

ITEMS = 100_000
_FEW = 10_000


def measure(rounds: int) -> list[Figures]:
    from nbfaas import remote

    @remote(max_containers=1)
    def pause(seconds: float) -> None:
        time.sleep(seconds)

    @remote(max_containers=1)
    def noop(value: int) -> int:
        return value

    figures: list[Figures] = []
    with docker_service() as service:
        list(noop.map(range(_FEW)))
        for _ in range(rounds):
            holder = pause.spawn(300.0)  # the only sandbox of this function is taken
            pauses = [300.0] * ITEMS
            gc.collect()
            before = _resident()
            started = time.perf_counter()
            run = pause.map(pauses)
            service.run(_nothing())  # what was handed over has been taken in
            submitted = time.perf_counter() - started
            gc.collect()
            size = (_resident() - before) / ITEMS
            alone = _warm_call(noop.remote)
            started = time.perf_counter()
            run.cancel()
            assert run.wait(60)
            cancelled = time.perf_counter() - started
            holder.cancel()
            del run, holder
            gc.collect()
            few, many = _seconds_each(noop.map, _FEW), _seconds_each(noop.map, ITEMS)
            figures.append(
                {
                    "submit_rate": ITEMS / submitted,
                    "bytes": size,
                    "cancel_seconds": cancelled,
                    "growth": many / few,
                    "rate": 1 / many,
                    "call_beside": alone,
                }
            )
            time.sleep(2.0)  # the journal writes in bursts
    return figures


async def _nothing() -> None:
    """Has the loop come this far?"""


def _warm_call(call: object) -> float:
    """Seconds of a warm call of another function while the queue is full; median."""
    seconds = []
    for value in range(200):
        started = time.perf_counter()
        call(value)  # type: ignore[operator]
        seconds.append(time.perf_counter() - started)
    return sorted(seconds)[100]


def _seconds_each(mapped: object, items: int) -> float:
    started = time.perf_counter()
    for _ in mapped(range(items)):  # type: ignore[operator]
        pass
    return (time.perf_counter() - started) / items


def _resident() -> int:
    """Bytes of memory that this process holds."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ValueError("/proc/self/status has no VmRSS")
