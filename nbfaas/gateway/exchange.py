"""One request, as the server hands it over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from nbfaas.gateway.reply import Refusal
from nbfaas.gateway.roles import Role, Token

Message = MutableMapping[str, Any]
Scope = Message
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ClientGone(Exception):
    """There is nobody left to answer."""


class Exchange:
    """One request, as far as it was read. ``unread``: more of it may be coming."""

    def __init__(self, scope: Scope, receive: Receive, limit: int) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[str, str] = {}
        self.caller = Token("", Role.READ)
        """Whose token it brings, once that was looked at."""
        self.gone = False
        self._receive = receive
        self._limit = limit
        self._read = False

    @property
    def unread(self) -> bool:
        has_body = self.headers.get("content-length", "0") != "0"
        return not self._read and (has_body or "transfer-encoding" in self.headers)

    async def body(self, limit: int | None = None) -> bytes:
        """Raises ``Refusal`` if there is more than the limit (``limit``: another than the
        gateway's), and ``ClientGone``."""
        limit = self._limit if limit is None else limit
        length = self.headers.get("content-length", "0")
        if length.isdigit() and int(length) > limit:
            raise _too_large(limit)
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                self.gone = True
                raise ClientGone
            part: bytes = message["body"]
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
            if not message["more_body"]:
                self._read = True
                return part if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int) -> Refusal:
    return Refusal(413, f"the body has more than {limit:,} bytes")
