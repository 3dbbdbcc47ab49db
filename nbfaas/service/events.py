"""The events' part of the service: store, engine, and the gateway once it is wanted."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbfaas.dispatch.dispatcher import Dispatcher
from nbfaas.errors import ConfigurationError
from nbfaas.errors.delivery import EventStoreHeld
from nbfaas.gateway.routes import RouteTable
from nbfaas.metrics.registry import Metrics
from nbfaas.model.delivery import TriggerQueue
from nbfaas.model.records import Subscriber
from nbfaas.settings import Settings
from nbfaas.triggers.engine import EventEngine

if TYPE_CHECKING:
    from nbfaas.gateway import Gateway
    from nbfaas.gateway.extension import Extension
    from nbfaas.journal import Journal

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_GRACE = 2.0  # seconds that attempts under way are given when the service closes
_HANDED_OVER = 20.0  # seconds within which a service that closes has let go of the store


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where functions with an HTTP trigger answer: ``url``, and the ``token`` to send along as
    ``Authorization: Bearer …``."""

    url: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """The headers of an authorized request."""
        return {"Authorization": f"Bearer {self.token}"}

    def __repr__(self) -> str:
        return f"<Endpoint {self.url}, its token is in .token and .headers>"


class Events:
    """``open`` it on the service's loop; ``engine`` is there from then on."""

    def __init__(
        self,
        settings: Settings,
        dispatcher: Dispatcher,
        *,
        publish: Subscriber,
        notify: Callable[[str], None],
        new_id: Callable[[], str],
        journal: Callable[[], Journal | None],
        metrics: Callable[[], Metrics],
    ) -> None:
        from nbfaas.delivery.store import EventStore

        if not _NAME.fullmatch(settings.event_store):
            raise ConfigurationError(
                f"event_store={settings.event_store!r} can't be the name of a file: letters, "
                "digits and _ . - only."
            )
        path = Path(settings.data_dir) / "events" / f"{settings.event_store}.db"
        self._settings = settings
        self._dispatcher = dispatcher
        self._notify = notify
        self._new_id = new_id
        self._journal = journal
        self._metrics = metrics
        self._gateway: Gateway | None = None
        self._endpoint: Endpoint | None = None
        self._opening = asyncio.Lock()
        self._stopped = False
        self.routes = RouteTable()
        self.store = EventStore(path, on_notice=notify)
        self.engine = EventEngine(
            self.store,
            settings,
            publish=publish,
            notify=notify,
            submit=dispatcher.submit,
            new_id=new_id,
            routes=self.routes,
        )

    def __repr__(self) -> str:
        where = "no gateway" if self._endpoint is None else self._endpoint.url
        return f"<Events {self.engine!r}, {where}>"

    async def open(self) -> Events:
        """Itself. Raises ``EventStoreError``: the store is held by another process, damaged, …"""
        waiting = await self._opened_store()
        self.engine.start()
        if waiting:
            noun = "event waits" if waiting == 1 else "events wait"
            self._notify(
                f"{waiting:,} {noun} since an earlier session, to be delivered as soon as "
                "the triggers are defined again. %faas triggers shows them."
            )
        return self

    async def _opened_store(self) -> int:
        """A service of this process that is just closing may hold the store for a while yet."""
        end = time.monotonic() + _HANDED_OVER
        while True:
            try:
                return await asyncio.to_thread(self.store.open)
            except EventStoreHeld as held:
                if not held.by_this_process or time.monotonic() > end:
                    raise
            await asyncio.sleep(0.05)

    async def endpoint(
        self, tokens: tuple[str, ...] = (), extension: Extension | None = None
    ) -> Endpoint:
        """Where the gateway listens; it is started if it was not yet, with these ``tokens``
        (default: that of the settings) and ``extension``."""
        from nbfaas.gateway import Gateway
        from nbfaas.gateway.engine_port import EnginePort

        async with self._opening:
            if self._endpoint is None:
                settings = self._settings
                tokens = tokens or (settings.http_token or secrets.token_urlsafe(24),)
                port = EnginePort(
                    self.engine, self._dispatcher, self._new_id, self._journal, self._metrics
                )
                gateway = Gateway(
                    port,
                    self.routes,
                    host=settings.http_host,
                    port=settings.http_port,
                    token=tokens,
                    extension=extension,
                )
                await asyncio.to_thread(self._metrics)  # what /metrics tells is counted from now on
                url = await gateway.start()
                self._gateway = gateway
                self._endpoint = Endpoint(url, tokens[0])
            return self._endpoint

    def queues(self) -> list[TriggerQueue]:
        """What each trigger has before it, for the metrics. From any thread."""
        waiting = self.store.waiting
        oldest = self.store.oldest()
        dead = self.store.dead_counts()
        names = {*waiting, *dead, *(trigger.name for trigger in list(self.engine.triggers))}
        return [
            TriggerQueue(name, waiting.get(name, 0), oldest.get(name), dead.get(name, 0))
            for name in sorted(names)
        ]

    async def drain(self, grace: float) -> None:
        """Let nothing more in, begin no more attempts, and let what is under way end within
        ``grace`` seconds. What else was accepted stays in the store."""
        self.engine.accepts = False
        stopping = asyncio.ensure_future(self.engine.stop(grace))
        if self._gateway is not None:
            await self._gateway.close(grace, stopping)
        await stopping
        self._stopped = True

    async def stop(self) -> None:
        """Let nothing more in, and begin nothing more."""
        if self._stopped:
            return
        if self._gateway is not None:
            await self._gateway.close()
        await self.engine.stop(_GRACE)

    async def close(self) -> None:
        """After ``stop``, and after the dispatcher was closed."""
        await self.engine.close()
