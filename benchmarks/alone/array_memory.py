"""How much memory an array of 256 MB takes that 8 calls on two sandboxes read."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from benchmarks.alone import Figures, docker_service
from benchmarks.alone.cgroups import Cgroup
from benchmarks.calls import ARRAY_ITEMS
from benchmarks.peers.functions import total

_STEP = 0.02


def measure(rounds: int) -> list[Figures]:
    import numpy as np

    from nbfaas import remote

    function = remote(image="scientific", max_containers=2)(total)
    figures: list[Figures] = []
    with docker_service() as service:
        list(function.map([np.ones(4)] * 8))
        array = np.ones(ARRAY_ITEMS)
        used = [row.id for row in service.sandboxes() if row.state != "PREWARMED"]
        cgroups = [Cgroup(each) for each in used]
        for _ in range(rounds):
            time.sleep(0.5)
            before = [_host(), *(each.memory() for each in cgroups)]
            peak = list(before)
            over = threading.Event()

            def watch(peak: list[int] = peak, over: threading.Event = over) -> None:
                while not over.wait(_STEP):
                    now = [_host(), *(each.memory() for each in cgroups)]
                    peak[:] = map(max, peak, now)

            watcher = threading.Thread(target=watch)
            watcher.start()
            got = list(function.map([array] * 8))
            over.set()
            watcher.join()
            assert got == [float(ARRAY_ITEMS)] * 8
            grown = [after - start for after, start in zip(peak, before, strict=True)]
            figures.append(
                {"host": grown[0] / array.nbytes, "container": max(grown[1:]) / array.nbytes}
            )
    return figures


def _host() -> int:
    """Bytes: this process's own memory, and all shared memory of the machine, which includes
    sealed memory files whether mapped or not."""
    anonymous = shared = 0
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            anonymous = int(line.split()[1]) * 1024
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("Shmem:"):
            shared = int(line.split()[1]) * 1024
    return anonymous + shared
