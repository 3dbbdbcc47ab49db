"""Real servers: `nbfaas serve` in a process of its own, with functions that were deployed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cutting import Way
from serving import Running

import nbfaas
from nbfaas.client.connecting import Connection


@pytest.fixture
def serve(data, tmp_path) -> Iterator[Callable[..., Running]]:
    """Starts servers, on the process backend unless told otherwise; the last ones are ended."""
    started: list[Running] = []

    def serve(more: str = "", data: Path = data, **given: object) -> Running:
        running = Running(tmp_path, data, more, **given)  # type: ignore[arg-type]
        started.append(running)
        running.start()
        return running

    yield serve
    for running in started:
        running.kill()


@pytest.fixture
def running(serve) -> Running:
    return serve()


@pytest.fixture
def server(running) -> Iterator[Connection]:
    """This process works on ``running``."""
    with nbfaas.connect(running.url, token=running.token) as server:
        yield server


@pytest.fixture
def way(running) -> Iterator[Way]:
    way = Way(urlsplit(running.url).port)
    yield way
    way.close()
