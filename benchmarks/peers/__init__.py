"""One module for each system that makes the same calls: ``connect()`` gives a ``Peer``.

A module is imported in a process of its own, by ``benchmarks.calls``, in the environment that has
the system installed; so only the standard library may be imported besides that system.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol


class Peer(Protocol):
    """Two processes (or containers) that run functions, ready and warm after a few calls."""

    def call(self, value: int) -> int:
        """One no-op, from the calling thread and back."""

    def map(self, count: int) -> Sequence[int]:
        """``count`` no-ops, in the way that the system's users write it, without tuning."""

    def sums(self, array: Any, count: int) -> Sequence[float]:
        """``count`` calls that each read all of one NumPy array, handed over in this call."""

    def results(self, count: int) -> Sequence[Any]:
        """``count`` calls that each return a NumPy array of 8 MB."""


class Load(NamedTuple):
    """How much one peer is asked to do, so that slow ones do not take minutes; 0: not measured."""

    calls: int = 3000
    items: int = 5000
    sums: int = 8
    results: int = 100


Connect = AbstractContextManager[Peer]
