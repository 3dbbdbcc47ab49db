"""From no sandbox to 16 under load, and 16 raw `docker start`s at once."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from benchmarks.alone import Figures, calm_down, docker_service
from benchmarks.alone.docker_run import Runtime
from nbfaas.model.function import MB, Resources

SANDBOXES = 16
LIMITS = Resources(cpu=0.125, memory=64 * MB)


def measure(rounds: int) -> list[Figures]:
    from nbfaas import remote
    from nbfaas.model.records import AttemptStarted, Record

    @remote(cpu=LIMITS.cpu, memory=LIMITS.memory, max_containers=SANDBOXES)
    def pause(seconds: float) -> None:
        time.sleep(seconds)

    figures: list[Figures] = []
    with docker_service(prewarm=0) as service:
        runtime = Runtime.ensured(service)
        for _ in range(rounds):
            service.dispatcher.stop_idle()
            calm_down()
            started_in: set[str] = set()
            all_started = Event()

            def note(
                record: Record, started_in: set[str] = started_in, all_started: Event = all_started
            ) -> None:
                if isinstance(record, AttemptStarted):
                    started_in.add(record.sandbox)
                    if len(started_in) == SANDBOXES:
                        all_started.set()

            unsubscribe = service.subscribe(note)
            started = time.perf_counter()
            run = pause.map([60.0] * SANDBOXES)
            if not all_started.wait(60):
                raise TimeoutError(f"{len(started_in)} of {SANDBOXES} sandboxes in 60 s")
            seconds = time.perf_counter() - started
            unsubscribe()
            run.cancel()
            run.wait(30)
            service.dispatcher.stop_idle()
            calm_down()
            raw = _raw_starts(runtime)
            figures.append({"rate": SANDBOXES / seconds, "raw": SANDBOXES / raw})
    return figures


def _raw_starts(runtime: Runtime) -> float:
    """Seconds until 16 containers, created before, have been started, all asked for at once."""
    import docker

    client = docker.from_env(max_pool_size=SANDBOXES)
    create = ["docker", "create", *runtime.flags(LIMITS), "--label=nbfaas.bench=1", runtime.image]
    ids = [
        subprocess.run(
            [*create, "-c", "import time; time.sleep(120)"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for _ in range(SANDBOXES)
    ]
    try:
        with ThreadPoolExecutor(SANDBOXES) as threads:
            started = time.perf_counter()
            list(threads.map(client.api.start, ids))
            return time.perf_counter() - started
    finally:
        subprocess.run(["docker", "rm", "--force", *ids], check=True, capture_output=True)
        client.close()
