"""What only nbfaas does, or is compared with Docker itself: a module for each row.

``python -m benchmarks.alone ROW ROUNDS OUT`` runs one in a process of its own; its
``measure(rounds)`` returns the figures of each round.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbfaas.service import Service

Figures = dict[str, float]
BUILD = Path(__file__).absolute().parents[2] / "build" / "bench"


@contextmanager
def docker_service(**settings: object) -> Iterator[Service]:
    """nbfaas with its default settings, on Docker, with an empty journal on a real disk."""
    import nbfaas
    from nbfaas.service import close_service, get_service, set_notify

    BUILD.mkdir(parents=True, exist_ok=True)
    set_notify(lambda message: None)
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="data-") as folder:
        for name, value in {"backend": "docker", "data_dir": folder, **settings}.items():
            setattr(nbfaas.config, name, value)
        service = get_service()
        assert service.backend.name == "docker"
        try:
            yield service
        finally:
            close_service()


def wait_for(ready: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Raises ``TimeoutError``, naming ``what``."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.02)


def prewarmed(service: Service) -> int:
    return sum(row.state == "PREWARMED" for row in service.sandboxes())


def calm_down(seconds: float = 5.0) -> None:
    """Wait until the machine has been nearly idle for a moment, but not for long: what Docker still
    removes of the last step would be charged to the next."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        before = _busy()
        time.sleep(0.25)
        if _busy() - before < 0.1 * os.sysconf("SC_CLK_TCK"):
            return


def _busy() -> int:
    """Clock ticks of CPU time that this machine has spent so far, all cores together."""
    user, nice, system, _, _, irq, softirq, *_ = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    )
    return user + nice + system + irq + softirq
