"""ipyparallel: two engines on this machine, through the load-balanced view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.peers import Peer
from benchmarks.peers.functions import noop, result, total


class IpyparallelPeer:
    def __init__(self, view: Any) -> None:
        self._view = view

    def call(self, value: int) -> int:
        return int(self._view.apply_sync(noop, value))

    def map(self, count: int) -> Sequence[int]:
        return list(self._view.map_sync(noop, range(count)))

    def sums(self, array: Any, count: int) -> Sequence[float]:
        return list(self._view.map_sync(total, [array] * count))

    def results(self, count: int) -> Sequence[Any]:
        return list(self._view.map_sync(result, range(count)))


@contextmanager
def connect() -> Iterator[Peer]:
    import ipyparallel

    with ipyparallel.Cluster(n=2, log_level=40) as client:
        client.wait_for_engines(2)
        yield IpyparallelPeer(client.load_balanced_view())
