"""What bounds the figures from below: a bare socket into a container, and copying memory."""

from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import tempfile
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

from benchmarks.alone import Figures, docker_service
from benchmarks.alone.docker_run import Runtime
from benchmarks.calls import ARRAY_ITEMS
from benchmarks.memory import touch_memory

_ROUND_TRIPS = 3000
_SIZE = 32  # bytes, about what the frame of a no-op holds
_ECHO = f"""
import socket
s = socket.socket(socket.AF_UNIX)
s.connect("/run/bench/echo.sock")
while data := s.recv({_SIZE}):
    s.sendall(data)
"""


def measure(rounds: int) -> list[Figures]:
    with docker_service(prewarm=0) as service:
        runtime = Runtime.ensured(service)
    return [{**_ping_pong(runtime), **_memory()} for _ in range(rounds)]


def _ping_pong(runtime: Runtime) -> Figures:
    """Blocking sockets at both ends, nothing else: no frames, no pickles, no threads."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        Path(folder).chmod(0o755)
        path = Path(folder) / "echo.sock"
        listener.bind(str(path))
        path.chmod(0o777)
        listener.listen(1)
        listener.settimeout(30)
        command = runtime.command(_ECHO, ["-v", f"{folder}:/run/bench:ro"])
        with subprocess.Popen(command) as process:
            connection, _ = listener.accept()
            with connection:
                seconds = sorted(_round_trip(connection) for _ in range(_ROUND_TRIPS))
            process.wait(30)
    return {"p50": seconds[len(seconds) // 2], "p99": seconds[len(seconds) * 99 // 100]}


def _round_trip(connection: socket.socket) -> float:
    started = time.perf_counter()
    connection.sendall(b"x" * _SIZE)
    connection.recv(_SIZE)
    return time.perf_counter() - started


def _memory() -> Figures:
    import numpy as np

    array = np.ones(ARRAY_ITEMS)
    target = array.copy()
    started = time.perf_counter()
    target[:] = array
    copied = time.perf_counter() - started
    del target
    # The work itself of the row with the array: 8 sums, in two processes that have it already.
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(3)

    def sums(barrier: Barrier) -> None:
        float(array[::512].sum())
        barrier.wait()
        for _ in range(4):
            float(array.sum())
        barrier.wait()

    processes = [context.Process(target=sums, args=(barrier,)) for _ in range(2)]
    for process in processes:
        process.start()
    barrier.wait()
    started = time.perf_counter()
    barrier.wait()
    worked = time.perf_counter() - started
    for process in processes:
        process.join()
    return {"copy_rate": array.nbytes / copied, "sums": worked, "fill": _fill(memoryview(array))}


def _fill(data: memoryview) -> float:
    """Seconds to copy ``data`` into a memory file."""
    data = data.cast("B")
    touch_memory()
    file = os.memfd_create("bench")
    try:
        started = time.perf_counter()
        done = 0
        while done < data.nbytes:
            done += os.write(file, data[done:])
        return time.perf_counter() - started
    finally:
        os.close(file)
