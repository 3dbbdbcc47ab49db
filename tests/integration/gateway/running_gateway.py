"""A gateway on a free port of the loopback, with its engine; and what is left of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from small_engine import SmallEngine

from nbfaas.agent.event import Event
from nbfaas.gateway import Gateway
from nbfaas.triggers.http_source import HttpSource

TOKEN = "open-sesame"


class Place:
    """A running gateway."""

    def __init__(self, engine: SmallEngine, gateway: Gateway, url: str) -> None:
        self.engine = engine
        self.gateway = gateway
        self.url = url
        self.port = int(url.rpartition(":")[2])
        self._sources: list[tuple[HttpSource, asyncio.Task[None]]] = []

    async def on_http(
        self,
        method: str,
        path: str,
        function: Callable[[Event], Awaitable[Any]],
        *,
        trigger: str = "fn",
        **options: Any,
    ) -> HttpSource:
        """What the decorator does: make the source, bind it, and run it."""
        source = HttpSource(method, path, **options)
        source.bind(self.gateway.routes, trigger)
        self.engine.functions[trigger] = function
        run = asyncio.create_task(source.run(None))
        self._sources.append((source, run))
        await asyncio.sleep(0)
        return source

    def client(self) -> httpx.AsyncClient:
        # Reading the certificates would take most of a test's time.
        headers = {"authorization": f"Bearer {TOKEN}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=20, verify=False)

    def stranger(self) -> httpx.AsyncClient:
        """Without the token."""
        return httpx.AsyncClient(base_url=self.url, timeout=20, verify=False)

    async def pause(self, source: HttpSource) -> None:
        for one, run in self._sources:
            if one is source:
                run.cancel()
                await asyncio.gather(run, return_exceptions=True)

    async def close(self) -> None:
        for source, run in self._sources:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
            source.release()
        await self.gateway.close()


@asynccontextmanager
async def running(token: str | None = TOKEN, **options: Any) -> AsyncIterator[Place]:
    before = asyncio.all_tasks()
    engine = SmallEngine()
    gateway = Gateway(engine, token=token, **options)
    place = Place(engine, gateway, await gateway.start())
    try:
        yield place
    finally:
        await place.close()
        # A fixture is set up in another task than it is torn down in.
        left = asyncio.all_tasks() - before - {asyncio.current_task()}
        assert not left, "the gateway left something running"
