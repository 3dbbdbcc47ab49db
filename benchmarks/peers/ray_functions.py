"""Ray, on this machine only: two CPUs, no dashboard. The array is put into its object store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.peers import Peer, functions


class RayPeer:
    def __init__(self) -> None:
        import ray

        self._ray = ray
        self._noop = ray.remote(functions.noop)
        self._total = ray.remote(functions.total)
        self._result = ray.remote(functions.result)

    def call(self, value: int) -> int:
        return int(self._ray.get(self._noop.remote(value)))

    def map(self, count: int) -> Sequence[int]:
        return list(self._ray.get([self._noop.remote(value) for value in range(count)]))

    def sums(self, array: Any, count: int) -> Sequence[float]:
        shared = self._ray.put(array)
        return list(self._ray.get([self._total.remote(shared) for _ in range(count)]))

    def results(self, count: int) -> Sequence[Any]:
        return list(self._ray.get([self._result.remote(value) for value in range(count)]))


@contextmanager
def connect() -> Iterator[Peer]:
    import os
    import tempfile

    import ray

    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=2 * 1024**3,
        logging_level="ERROR",
        log_to_driver=False,
        configure_logging=False,
        _node_ip_address="127.0.0.1",
        _temp_dir=os.path.join(tempfile.gettempdir(), "ray"),
        # The functions' module is found by name.
        runtime_env={"env_vars": {"PYTHONPATH": os.getcwd()}},
    )
    try:
        yield RayPeer()
    finally:
        ray.shutdown()
