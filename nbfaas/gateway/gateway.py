"""``Gateway``: HTTP in front of an engine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nbfaas.errors.base import OptionError
from nbfaas.gateway.extension import Extension
from nbfaas.gateway.limits import Limits
from nbfaas.gateway.port import GatewayPort
from nbfaas.gateway.routes import RouteTable

if TYPE_CHECKING:
    from nbfaas.gateway.server import HttpServer


class Gateway:
    """Serves ``engine`` at ``host``:``port`` (0: any that is free), on the loop that it is
    started on; all of it happens there.

    Everything but ``/healthz`` and routes with ``auth=False`` asks for ``token`` (``Authorization:
    Bearer …``), or one of several; None lets everybody in, which is refused unless only this
    machine can reach it. ``extension`` has further routes.
    """

    def __init__(
        self,
        engine: GatewayPort,
        routes: RouteTable | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | tuple[str, ...] | None,
        limits: Limits | None = None,
        extension: Extension | None = None,
    ) -> None:
        from nbfaas.gateway.guard import is_loopback

        tokens = () if token is None else (token,) if isinstance(token, str) else token
        if not tokens and not is_loopback(host):
            raise OptionError("token", token, f"others can reach {host}, so there has to be one")
        if not all(each.isascii() and each.strip() == each and each for each in tokens):
            raise OptionError("token", "…", "it is ASCII without spaces around it, and not empty")
        self.routes = RouteTable() if routes is None else routes
        self.url: str | None = None
        self._engine = engine
        self._host = host
        self._port = port
        self._tokens = tokens
        self._extension = extension
        self._limits = Limits() if limits is None else limits
        self._server: HttpServer | None = None

    def __repr__(self) -> str:
        return f"<Gateway {self.url or 'closed'} {len(self.routes)} routes>"

    async def start(self) -> str:
        """Listen; returns the base URL, without a slash at the end. Raises
        ``GatewayUnavailable``."""
        from nbfaas.gateway.app import GatewayApp
        from nbfaas.gateway.guard import Guard
        from nbfaas.gateway.server import HttpServer

        assert self._server is None, "it is started already"
        guard = Guard(self._host, self._tokens)
        app = GatewayApp(self._engine, self.routes, guard, self._limits, self._extension)
        server = HttpServer(app, self._limits)
        # Both addresses of ``localhost`` would get a port each.
        host = "127.0.0.1" if self._host == "localhost" else self._host
        port = await server.listen(host, self._port)
        self._server = server
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        return self.url

    async def close(
        self, seconds: float | None = None, also: asyncio.Future[None] | None = None
    ) -> None:
        """Take nothing more in, and let running requests end within ``seconds``
        (``limits.close_deadline``); those that don't are cancelled. Connections that are open are
        told so until then, and until ``also`` has ended. Idempotent."""
        if self._server is not None:
            server, self._server, self.url = self._server, None, None
            await server.close(self._limits.close_deadline if seconds is None else seconds, also)
