"""Events: accepted durably, delivered to a warm container, and taken up again after a restart."""

from __future__ import annotations

import asyncio
import pickle
import sqlite3
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.alone import BUILD, Figures, docker_service, wait_for
from benchmarks.gateway_rate import PLACE, measured, request

if TYPE_CHECKING:
    from nbfaas.service import Service

_SECONDS = 2.0  # for each rate
_THREADS = 16
_BACKLOG = 100_000


def measure(rounds: int) -> list[Figures]:
    return [_round() for _ in range(rounds)]


def _round() -> Figures:
    import nbfaas
    from nbfaas import on, remote

    figures: Figures = {"raw_commit": _raw_commits()}
    with docker_service() as service:

        @on.event("bench.timed", name="timed")
        @remote
        def timed() -> float:
            import time

            return time.time()

        figures |= _latency(service)
        figures["emit"] = _rate(1)
        figures["emit_threads"] = _rate(_THREADS)
        figures |= _http(nbfaas.endpoint())
        nbfaas.triggers["timed"].pause()
        service.run(_fill(service))
        assert nbfaas.triggers["timed"].waiting == _BACKLOG
        folder = service.settings.data_dir
        figures["recovery"] = _recovery(folder, timed)
    return figures


def _latency(service: Service) -> Figures:
    """From the call of ``emit`` to the handler's first line, one event at a time."""
    import nbfaas
    from nbfaas.model.records import InvocationFinished

    began: list[float] = []
    seen = threading.Event()

    def heard(record: Any) -> None:
        if isinstance(record, InvocationFinished):
            assert record.result is not None
            began.append(pickle.loads(record.result))
            seen.set()

    stop = service.subscribe(heard)
    latencies, emits = [], []
    for number in range(330):
        seen.clear()
        called, at = time.perf_counter(), time.time()
        nbfaas.emit("bench.timed")
        emits.append(time.perf_counter() - called)
        assert seen.wait(60)
        if number >= 30:  # the first ones start the sandbox
            latencies.append(began[-1] - at)
        time.sleep(0.002)
    stop()
    latencies.sort()
    emits = sorted(emits[30:])
    return {
        "start_p50": latencies[150],
        "start_p99": latencies[296],
        "emit_p50": emits[150],
    }


def _rate(threads: int) -> float:
    """Events emitted in a second, each emitter waiting until its event is durable."""
    import nbfaas

    counts = [0] * threads
    end = time.perf_counter() + _SECONDS

    def emit(number: int) -> None:
        while time.perf_counter() < end:
            nbfaas.emit("bench.unheard", {"total": 120})
            counts[number] += 1

    emitters = [threading.Thread(target=emit, args=(number,)) for number in range(threads)]
    for emitter in emitters:
        emitter.start()
    for emitter in emitters:
        emitter.join()
    return sum(counts) / _SECONDS


def _http(endpoint: Any) -> Figures:
    headers = {
        **endpoint.headers,
        "ce-specversion": "1.0",
        "ce-id": PLACE.decode(),
        "ce-source": f"/bench/{time.time_ns()}",
        "ce-type": "bench.unheard",
        "Content-Type": "application/json",
    }
    port = int(endpoint.url.rpartition(":")[2])
    text = request("POST /events", headers, b'{"total": 120}')
    found = asyncio.run(measured(port, text, _SECONDS))
    return {"http": found["rate"], "http_p99": found["p99"] / 1e3}


async def _fill(service: Service) -> None:
    from nbfaas import Event

    for start in range(0, _BACKLOG, 2000):
        events = [Event("bench.timed", {"n": start + n}) for n in range(2000)]
        await service.events.accept(events)


def _recovery(folder: str, timed: Any) -> float:
    """From a new service over the full store to the first attempt."""
    from nbfaas import on
    from nbfaas.model.records import DeliveryAttempted
    from nbfaas.service import close_service, get_service

    close_service()
    first = threading.Event()
    began = time.perf_counter()
    service = get_service()
    assert service.settings.data_dir == folder
    service.subscribe(lambda r: first.set() if isinstance(r, DeliveryAttempted) else None)
    on.event("bench.timed", name="timed")(timed)
    wait_for(first.is_set, "the first attempt")
    return time.perf_counter() - began


def _raw_commits() -> float:
    """Transactions of one small row in a second, with the very settings of the store: what one
    emitter could reach at most."""
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="raw-") as folder:
        connection = sqlite3.connect(Path(folder) / "raw.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE event (number INTEGER PRIMARY KEY, body BLOB)")
        count, end = 0, time.perf_counter() + _SECONDS
        while time.perf_counter() < end:
            connection.execute("INSERT INTO event (body) VALUES (?)", (b"x" * 200,))
            count += 1
        connection.close()
        return count / _SECONDS
