"""Times the calls of one peer: ``python -m benchmarks.calls PEER ROWS LOAD OUT``.

Every peer, nbfaas included, is timed by this code, in a process of its own. ROWS is a list such as
``warm,map``, LOAD a ``peers.Load`` as JSON; figures are written to OUT as JSON. Each row begins
with a few calls that are not timed, and goes on when the machine is calm: what a peer still starts
in the background (nbfaas: containers in place of prewarmed ones) would be timed otherwise.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.alone import calm_down
from benchmarks.memory import touch_memory
from benchmarks.peers import Load, Peer
from benchmarks.peers.functions import RESULT_ITEMS

Figures = dict[str, float]

ARRAY_ITEMS = 32 * 1024 * 1024  # float64: 256 MB
_MAPS = 3

PEERS = {
    "nbfaas": ("nbfaas_docker", "connect"),
    "processes": ("executors", "connect_processes"),
    "loky": ("executors", "connect_loky"),
    "ray": ("ray_functions", "connect"),
    "dask": ("dask_functions", "connect"),
    "ipyparallel": ("ipyparallel_engines", "connect"),
    "lithops": ("lithops_localhost", "connect"),
}


def warm(peer: Peer, load: Load) -> Figures:
    for value in range(max(2, load.calls // 10)):
        peer.call(value)
    calm_down()
    seconds = []
    for value in range(load.calls):
        started = time.perf_counter()
        got = peer.call(value)
        seconds.append(time.perf_counter() - started)
        assert got == value
    seconds.sort()
    last = len(seconds) - 1
    return {"p50": seconds[last // 2], "p99": seconds[round(last * 0.99)]}


def mapped(peer: Peer, load: Load) -> Figures:
    peer.map(max(2, load.items // 5))
    calm_down()
    rates = []
    for _ in range(_MAPS if load.items >= 5000 else 1):
        started = time.perf_counter()
        got = peer.map(load.items)
        rates.append(load.items / (time.perf_counter() - started))
        assert list(got) == list(range(load.items))
    return {"rate": median(rates)}


def array(peer: Peer, load: Load) -> Figures:
    import numpy as np

    peer.sums(np.ones(4), 4)  # numpy is imported everywhere
    data = np.ones(ARRAY_ITEMS)
    calm_down()
    touch_memory()
    started = time.perf_counter()
    got = peer.sums(data, load.sums)
    seconds = time.perf_counter() - started
    assert list(got) == [float(ARRAY_ITEMS)] * load.sums
    return {"seconds": seconds}


def results(peer: Peer, load: Load) -> Figures:
    peer.results(4)
    calm_down()
    touch_memory()
    started = time.perf_counter()
    got = peer.results(load.results)
    for value in got:
        value[::512].sum()  # a byte of each page: it must really be here
    seconds = time.perf_counter() - started
    assert [value[0] for value in got] == list(range(load.results))
    return {"rate": load.results * RESULT_ITEMS * 8 / seconds}


ROWS: dict[str, Callable[[Peer, Load], Figures]] = {
    "warm": warm,
    "map": mapped,
    "array": array,
    "results": results,
}
_AMOUNTS = {"warm": "calls", "map": "items", "array": "sums", "results": "results"}


def measure(peer: Peer, rows: list[str], load: Load) -> dict[str, Figures]:
    figures: dict[str, Figures] = {}
    for row in rows:
        if getattr(load, _AMOUNTS[row]):
            gc.collect()
            figures[row] = ROWS[row](peer, load)
    return figures


def main(name: str, rows: str, load: str, out: str) -> None:
    module, function = PEERS[name]
    connect: Any = getattr(import_module(f"benchmarks.peers.{module}"), function)
    with connect() as peer:
        figures = measure(peer, rows.split(","), Load(**json.loads(load)))
        # Before the peer is shut down, which some do not do well.
        Path(out).write_text(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
