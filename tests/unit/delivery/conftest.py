"""A store in a folder of its own, with a clock that the test sets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nbfaas.delivery.store import EventStore


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events" / "test.db"


@pytest.fixture
def store(path: Path, clock: Clock, notices: list[str]) -> Iterator[EventStore]:
    store = EventStore(path, clock=clock, on_notice=notices.append)
    store.open()
    yield store
    store.close()
