"""Lithops on its localhost backend: two processes, storage in a local folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.peers import Peer
from benchmarks.peers.functions import noop, result, total


class LithopsPeer:
    def __init__(self, executor: Any) -> None:
        self._executor = executor

    def call(self, value: int) -> int:
        future = self._executor.call_async(noop, value)
        return int(self._executor.get_result(future))

    def map(self, count: int) -> Sequence[int]:
        return list(self._executor.get_result(self._executor.map(noop, range(count))))

    def sums(self, array: Any, count: int) -> Sequence[float]:
        return list(self._executor.get_result(self._executor.map(total, [array] * count)))

    def results(self, count: int) -> Sequence[Any]:
        return list(self._executor.get_result(self._executor.map(result, range(count))))


@contextmanager
def connect() -> Iterator[Peer]:
    import lithops

    config = {
        "lithops": {"backend": "localhost", "storage": "localhost", "telemetry": False},
        "localhost": {"version": 2, "worker_processes": 2},
    }
    with lithops.FunctionExecutor(config=config, log_level="ERROR") as executor:
        yield LithopsPeer(executor)
