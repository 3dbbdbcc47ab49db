"""nbfaas: two sandboxes of one core each, in hardened containers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.peers import Peer, functions


class NbfaasPeer:
    def __init__(self) -> None:
        from nbfaas import remote

        numpy: dict[str, Any] = {"image": "scientific", "max_containers": 2}
        self._noop = remote(max_containers=2)(functions.noop)
        self._total = remote(**numpy)(functions.total)
        self._result = remote(**numpy)(functions.result)

    def call(self, value: int) -> int:
        return int(self._noop.remote(value))

    def map(self, count: int) -> Sequence[int]:
        return list(self._noop.map(range(count)))

    def sums(self, array: Any, count: int) -> Sequence[float]:
        return list(self._total.map([array] * count))

    def results(self, count: int) -> Sequence[Any]:
        return list(self._result.map(range(count)))


@contextmanager
def connect() -> Iterator[Peer]:
    from benchmarks.alone import docker_service

    with docker_service():
        yield NbfaasPeer()
