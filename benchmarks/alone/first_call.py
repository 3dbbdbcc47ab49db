"""The first call of a function that no sandbox has seen, with prewarmed sandboxes at hand."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.alone import Figures, calm_down, docker_service, prewarmed, wait_for

_TURNS = 8  # in each round


def measure(rounds: int) -> list[Figures]:
    import nbfaas
    from nbfaas import remote

    def brand_new(number: int) -> Callable[[int], int]:
        def added(value: int) -> int:
            return value + number

        added.__name__ = f"added_{number}"
        return added

    seconds: list[float] = []
    with docker_service() as service:
        remote(brand_new(0)).remote(0)
        for number in range(1, rounds * _TURNS + 1):
            function = remote(brand_new(number))
            wait_for(lambda: prewarmed(service) == nbfaas.config.prewarm, "prewarmed sandboxes")
            service.dispatcher.stop_idle()
            calm_down()
            started = time.perf_counter()
            assert function.remote(1) == 1 + number
            seconds.append(time.perf_counter() - started)
    return [{"seconds": each} for each in seconds]
