"""What two prewarmed sandboxes cost while nobody calls."""

from __future__ import annotations

import time

from benchmarks.alone import Figures, calm_down, docker_service, prewarmed, wait_for
from benchmarks.alone.cgroups import Cgroup

_SECONDS = 10.0


def measure(rounds: int) -> list[Figures]:
    import nbfaas
    from nbfaas.model.image import ImageSpec

    with docker_service() as service:
        service.run(service.backend.prepare(ImageSpec()))
        service.prewarm(ImageSpec())
        wait_for(lambda: prewarmed(service) == nbfaas.config.prewarm, "prewarmed sandboxes")
        calm_down()
        cgroups = [Cgroup(row.id) for row in service.sandboxes()]
        before = [each.cpu_seconds() for each in cgroups]
        own = time.process_time()
        started = time.perf_counter()
        time.sleep(_SECONDS)
        seconds = time.perf_counter() - started
        used = sum(each.cpu_seconds() for each in cgroups) - sum(before)
        own = time.process_time() - own
        memory = max(each.memory() for each in cgroups)
    return [{"cpu": used / seconds, "host_cpu": own / seconds, "memory": float(memory)}]
