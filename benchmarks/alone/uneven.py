"""Items from 1 ms to 2 s, few of them long: how near the makespan comes to the best schedule."""

from __future__ import annotations

import heapq
import random
import time

from benchmarks.alone import Figures, docker_service

ITEMS, SANDBOXES, SEED = 400, 8, 7


def durations(seed: int = SEED) -> list[float]:
    """A heavy tail, in the order in which the items are given: no schedule may sort them."""
    chosen = random.Random(seed)
    return [min(2.0, 0.001 * chosen.paretovariate(0.6)) for _ in range(ITEMS)]


def list_schedule(items: list[float], machines: int) -> float:
    """The makespan if each item, in order, goes to the machine that is free first."""
    free = [0.0] * machines
    for item in items:
        heapq.heapreplace(free, free[0] + item)
    return max(free)


def best(items: list[float], machines: int) -> float:
    """The shorter of the schedules in the given order and longest first."""
    longest_first = sorted(items, reverse=True)
    return min(list_schedule(items, machines), list_schedule(longest_first, machines))


def measure(rounds: int) -> list[Figures]:
    from nbfaas import remote

    @remote(cpu=0.25, max_containers=SANDBOXES)
    def pause(seconds: float) -> None:
        time.sleep(seconds)

    items = durations()
    figures: list[Figures] = []
    with docker_service():
        list(pause.map([0.5] * SANDBOXES * 2))
        for _ in range(rounds):
            started = time.perf_counter()
            list(pause.map(items))
            seconds = time.perf_counter() - started
            figures.append(
                {
                    "seconds": seconds,
                    "in_order": list_schedule(items, SANDBOXES),
                    "best": best(items, SANDBOXES),
                }
            )
    return figures
