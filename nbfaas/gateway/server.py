"""The listening socket and its connections.

uvicorn's protocol without its ``Server``: that one polls ten times a second, takes the signals of
a main thread, and ends the process when a port is taken.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from typing import Any

from uvicorn.config import Config

from nbfaas.errors.gateway import GatewayUnavailable
from nbfaas.forking import give_up_in_children
from nbfaas.gateway.connections import Connections
from nbfaas.gateway.limits import Limits
from nbfaas.gateway.protocol import GatewayProtocol

_BACKLOG = 512
_FLUSH = 0.5  # seconds to send what requests were told that had to be cancelled


class HttpServer:
    """Serves an ASGI application on the loop that it is started on."""

    def __init__(self, app: Any, limits: Limits) -> None:
        self._limits = limits
        self._config = Config(
            app,
            http=GatewayProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=limits.keep_alive,  # type: ignore[arg-type]  # it goes to call_later
        )
        self._config.load()
        self._state = Connections()
        self._server: asyncio.Server | None = None

    def __repr__(self) -> str:
        return f"<HttpServer {len(self._state.connections)} connections>"

    async def listen(self, host: str, port: int) -> int:
        """Listen, and return the port. Raises ``GatewayUnavailable``."""
        loop = asyncio.get_running_loop()

        def connection() -> GatewayProtocol:
            return GatewayProtocol(self._limits, self._config, self._state, loop)

        try:
            self._server = await loop.create_server(connection, host, port, backlog=_BACKLOG)
        except (OSError, OverflowError) as error:
            raise GatewayUnavailable(host, port, str(error)) from None
        give_up_in_children(self)
        for listening in self._server.sockets:
            _notice_vanished(listening, round(self._limits.body_deadline))
        address = self._server.sockets[0].getsockname()
        return int(address[1])

    def descriptors(self) -> Iterator[int]:
        """Of the sockets, those of its connections included."""
        if self._server is not None:
            yield from (sock.fileno() for sock in self._server.sockets)
        for connection in self._state.connections:
            if connection.transport is not None:
                yield connection.transport.get_extra_info("socket").fileno()

    async def close(self, seconds: float, also: asyncio.Future[None] | None = None) -> None:
        """Listen no more, let running requests end within ``seconds``, cancel the others (they are
        told 503), and hang up. Until they and ``also`` have ended, what else connections send is
        told 503. Nothing is left behind."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        connections, running = self._state.connections, self._state.tasks
        self._state.closing = True
        deadline = time.monotonic() + seconds
        ending: set[asyncio.Future[None]] = {*running, *(() if also is None else (also,))}
        if ending:
            await asyncio.wait(ending, timeout=seconds)
        for connection in list(connections):
            connection.shutdown()
        for request in list(running):
            request.cancel()
        if running:
            await asyncio.wait(set(running))
        # What was answered is still being sent, or lingers until the client has read it.
        await self._state.emptied(max(_FLUSH, deadline - time.monotonic()))
        for connection in list(connections):
            connection.transport.abort()
        await self._state.emptied(None)
        await server.wait_closed()


def _notice_vanished(listening: socket.socket, seconds: int) -> None:
    """Have the kernel break connections, of all that are accepted, whose other machine has not
    answered it for so long: it went away without a word. The process there need not answer."""
    if not hasattr(socket, "TCP_USER_TIMEOUT"):
        return  # only Linux has all of these
    seconds = max(seconds, 3)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_KEEPIDLE, seconds // 3),
        (socket.TCP_KEEPINTVL, seconds // 3),
        (socket.TCP_KEEPCNT, 2),
        (socket.TCP_USER_TIMEOUT, 1000 * seconds),  # of what was sent
    ):
        listening.setsockopt(socket.IPPROTO_TCP, option, value)
