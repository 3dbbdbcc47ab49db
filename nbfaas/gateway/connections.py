"""All connections of a server, and what they share."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate

from uvicorn.server import ServerState


class Connections(ServerState):
    """uvicorn's state; the date is made when it is needed, and it tells when all have gone.

    ``closing``: those that still come are hung up on.
    """

    def __init__(self) -> None:
        self._stamp = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._left = asyncio.Event()
        self.closing = False
        super().__init__()

    def left(self) -> None:
        """A connection has gone."""
        self._left.set()

    async def emptied(self, seconds: float | None) -> None:
        """Wait until there are no connections; no longer than ``seconds``, if given."""
        try:
            async with asyncio.timeout(seconds):
                while self.connections:
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError:
            return

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        now = int(time.time())
        if now != self._stamp:
            self._stamp = now
            self._headers = [(b"date", formatdate(now, usegmt=True).encode())]
        return self._headers

    @default_headers.setter
    def default_headers(self, headers: list[tuple[bytes, bytes]]) -> None:
        """uvicorn's constructor sets it."""
