"""200 items of 50 ms on 8 containers: what is lost to waiting between items."""

from __future__ import annotations

import time

from benchmarks.alone import Figures, docker_service

ITEMS, SECONDS, SANDBOXES = 200, 0.05, 8


def measure(rounds: int) -> list[Figures]:
    from nbfaas import remote

    @remote(cpu=0.25, max_containers=SANDBOXES)
    def pause(seconds: float) -> float:
        started = time.perf_counter()
        time.sleep(seconds)
        return time.perf_counter() - started

    figures: list[Figures] = []
    with docker_service():
        list(pause.map([0.5] * SANDBOXES * 2))  # all of them are there
        for _ in range(rounds):
            started = time.perf_counter()
            slept = list(pause.map([SECONDS] * ITEMS))
            seconds = time.perf_counter() - started
            figures.append(
                {
                    "seconds": seconds,
                    "ideal": ITEMS * SECONDS / SANDBOXES,
                    # A sleep of 50 ms takes a little longer anyway; the target ignores that.
                    "slept": sum(slept) / SANDBOXES,
                }
            )
    return figures
