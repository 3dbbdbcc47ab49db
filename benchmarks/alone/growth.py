"""From no sandbox to 16 under load; 16 raw `docker start`s at once; and 16 containers created,
started and heard of at once, a bare Python in each: what Docker and Python alone take for that."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from benchmarks.alone import Figures, calm_down, docker_service
from benchmarks.alone.docker_run import Runtime
from nbfaas.model.function import MB, Resources

SANDBOXES = 16
LIMITS = Resources(cpu=0.125, memory=64 * MB)
_SAY_HELLO = """
import socket, time
socket.socket(socket.AF_UNIX).connect("/run/bench/hello.sock")
time.sleep(120)
"""


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
            calm_down()
            heard = _raw_until_heard(runtime)
            figures.append(
                {
                    "rate": SANDBOXES / seconds,
                    "raw": SANDBOXES / raw,
                    "heard": SANDBOXES / heard,
                }
            )
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


def _raw_until_heard(runtime: Runtime) -> float:
    """Seconds until 16 containers have been created and started, and Python has connected from each
    to a socket, all asked for at once."""
    import docker

    client = docker.from_env(max_pool_size=SANDBOXES)
    ids: list[str] = []
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        Path(folder).chmod(0o755)
        path = Path(folder) / "hello.sock"
        listener.bind(str(path))
        path.chmod(0o777)
        listener.listen(SANDBOXES)
        listener.settimeout(60)
        limits = client.api.create_host_config(
            network_mode="none", read_only=True, cap_drop=["ALL"], init=True,
            security_opt=["no-new-privileges"], mem_limit=LIMITS.memory,
            memswap_limit=LIMITS.memory, nano_cpus=int(LIMITS.cpu * 1e9), pids_limit=LIMITS.pids,
            tmpfs={"/tmp": f"mode=1777,size={LIMITS.scratch}"},
            binds=[f"{folder}:/run/bench:ro"],
        )  # fmt: skip

        def start(_: int) -> None:
            created = client.api.create_container(
                runtime.image, ["-c", _SAY_HELLO], entrypoint=[runtime.interpreter],
                host_config=limits, labels={"nbfaas.bench": "1"},
            )  # fmt: skip
            ids.append(created["Id"])
            client.api.start(created["Id"])

        try:
            with ThreadPoolExecutor(SANDBOXES) as threads:
                started = time.perf_counter()
                starts = threads.map(start, range(SANDBOXES))
                for _ in range(SANDBOXES):
                    connection, _ = listener.accept()
                    connection.close()
                seconds = time.perf_counter() - started
                list(starts)
            return seconds
        finally:
            subprocess.run(["docker", "rm", "--force", *ids], check=True, capture_output=True)
            client.close()
