"""Queues, for the suite of sources: each test has a server of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from queues import NatsQueue, Queue, RedisQueue
from source_cases import SourceCase

from nbfaas.agent.event import Event
from nbfaas.triggers.queue_source import QueueSource
from nbfaas.triggers.source import Source


class QueueCase(SourceCase):
    kind: ClassVar[type[Queue]]

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._count = 0

    def world(self) -> AbstractAsyncContextManager[object]:
        @asynccontextmanager
        async def serving() -> AsyncIterator[None]:
            server = self.kind.server_class()
            try:
                server.start()
                self.queue = self.kind(server)
                await self.queue.open()
                yield
                await self.queue.close()
            finally:
                server.close()

        return serving()

    def source(self) -> Source:
        return self.queue.source()

    async def happen(self, times: int) -> list[str]:
        numbers = range(self._count, self._count + times)
        self._count += times
        for number in numbers:
            await self.queue.send(number)
            await asyncio.sleep(0.01)
        return [str(number) for number in numbers]

    def told(self, event: Event) -> Iterable[str]:
        return [str(self.queue.number_of(event))]


def _bad(url: str, option: str, **options: Any) -> Any:
    return (lambda: QueueSource.from_url(url, **options)), option


class RedisCase(QueueCase):
    kind = RedisQueue
    bad = (
        _bad("redis://localhost", "stream"),
        _bad("redis://localhost", "stream", stream=""),
        _bad("redis://localhost", "group", stream="s", group="a\nb"),
        _bad("redis://localhost", "consumer", stream="s", consumer=7),
        _bad("redis://localhost", "start", stream="s", start="now"),
        _bad("redis://localhost", "claim_after", stream="s", claim_after=0),
        _bad("redis://localhost", "subject", stream="s", subject="s"),
        _bad("redis://localhost/orders", "url", stream="s"),
        _bad("redis://localhost/0?password=x", "url", stream="s"),
        _bad("redis://localhost:port", "url", stream="s"),
        _bad("redis:///0", "url", stream="s"),
        _bad("unix://", "url", stream="s"),
        _bad("rediss://localhost/0?ssl_wrong=x", "url", stream="s"),
        _bad("kafka://localhost", "url", stream="s"),
    )


class NatsCase(QueueCase):
    kind = NatsQueue
    bad = (
        _bad("nats://localhost", "stream"),
        _bad("nats://localhost", "stream", stream="a.b"),
        _bad("nats://localhost", "durable", stream="s", durable="a b"),
        _bad("nats://localhost", "subject", stream="s", subject="a..b"),
        _bad("nats://localhost", "subject", stream="s", subject="a.>.b"),
        _bad("nats://localhost", "subject", stream="s", subject="a.b*"),
        _bad("nats://localhost", "create", stream="s", create="yes"),
        _bad("nats://localhost", "create", stream="s", create=True),
        _bad("nats://localhost", "group", stream="s", group="g"),
        _bad("nats://localhost/stream", "url", stream="s"),
        _bad("nats://", "url", stream="s"),
    )


QUEUE_CASES = [
    pytest.param(RedisCase, id="redis", marks=pytest.mark.queues),
    pytest.param(NatsCase, id="nats", marks=pytest.mark.queues),
]
