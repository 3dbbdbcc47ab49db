"""dask.distributed: two processes of one thread, on the loopback. The array is scattered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.peers import Peer
from benchmarks.peers.functions import noop, result, total


class DaskPeer:
    def __init__(self, client: Any) -> None:
        self._client = client

    def call(self, value: int) -> int:
        return int(self._client.submit(noop, value, pure=False).result())

    def map(self, count: int) -> Sequence[int]:
        return list(self._client.gather(self._client.map(noop, range(count), pure=False)))

    def sums(self, array: Any, count: int) -> Sequence[float]:
        shared = self._client.scatter(array)
        futures = [self._client.submit(total, shared, pure=False) for _ in range(count)]
        return list(self._client.gather(futures))

    def results(self, count: int) -> Sequence[Any]:
        return list(self._client.gather(self._client.map(result, range(count), pure=False)))


@contextmanager
def connect() -> Iterator[Peer]:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=50,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield DaskPeer(client)
