"""The fixture ``queue``: each test runs once with every kind of queue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from queue_servers import Server
from queues import FileIntake, NatsQueue, Queue, RedisQueue, until


@pytest.fixture(scope="session")
def queue_servers() -> Iterator[dict[type[Server], Server]]:
    """Those that tests have asked for so far; ended with the session."""
    started: dict[type[Server], Server] = {}
    yield started
    for server in started.values():
        server.close()


async def opened(kind: type[Queue], started: dict[type[Server], Server]) -> AsyncIterator[Queue]:
    if kind.server_class not in started:
        started[kind.server_class] = kind.server_class()
        started[kind.server_class].start()
    queue = kind(started[kind.server_class])
    await queue.open()
    yield queue
    await queue.close()
    # Whatever a test does: when its sources have ended, nobody is connected.
    await until(lambda: queue.connections() == 0, seconds=10)


@pytest.fixture(params=[RedisQueue, NatsQueue])
async def queue(request, queue_servers) -> AsyncIterator[Queue]:
    async for queue in opened(request.param, queue_servers):
        yield queue


@pytest.fixture
async def redis_queue(queue_servers) -> AsyncIterator[Queue]:
    async for queue in opened(RedisQueue, queue_servers):
        yield queue


@pytest.fixture
async def nats_queue(queue_servers) -> AsyncIterator[Queue]:
    async for queue in opened(NatsQueue, queue_servers):
        yield queue


@pytest.fixture
def intake(tmp_path) -> FileIntake:
    return FileIntake(tmp_path / "accepted")
