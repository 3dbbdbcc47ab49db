"""A call when nothing is prewarmed, and `docker run` of the same image, in turns."""

from __future__ import annotations

import time

from benchmarks.alone import Figures, calm_down, docker_service
from benchmarks.alone.docker_run import Runtime

_TURNS = 3  # in each round


def measure(rounds: int) -> list[Figures]:
    from nbfaas import remote

    @remote
    def noop(value: int) -> int:
        return value

    figures: list[Figures] = []
    with docker_service(prewarm=0) as service:
        runtime = Runtime.ensured(service)
        runtime.run()
        for number in range(rounds * _TURNS):
            service.dispatcher.stop_idle()
            calm_down()
            started = time.perf_counter()
            assert noop.remote(number) == number
            seconds = time.perf_counter() - started
            service.dispatcher.stop_idle()
            calm_down()
            figures.append({"seconds": seconds, "docker_run": runtime.run()})
    return figures
