"""``concurrent.futures``-like executors: the standard library's own, and loky's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from benchmarks.peers import Peer
from benchmarks.peers.functions import noop, result, total


class ExecutorPeer:
    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def call(self, value: int) -> int:
        return self._executor.submit(noop, value).result()

    def map(self, count: int) -> Sequence[int]:
        return list(self._executor.map(noop, range(count)))

    def sums(self, array: Any, count: int) -> Sequence[float]:
        return list(self._executor.map(total, [array] * count))

    def results(self, count: int) -> Sequence[Any]:
        return list(self._executor.map(result, range(count)))


@contextmanager
def connect_processes() -> Iterator[Peer]:
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(2) as executor:
        yield ExecutorPeer(executor)


@contextmanager
def connect_loky() -> Iterator[Peer]:
    from loky import ProcessPoolExecutor

    with ProcessPoolExecutor(2) as executor:
        yield ExecutorPeer(executor)
