"""Requests to a server, with its problems as errors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from nbfaas.errors import OptionError
from nbfaas.errors.serve import CLOSED, ServerGone, ServerRefused, ServerUnreachable

if TYPE_CHECKING:
    import httpx

URL = "NBFAAS_SERVER"
TOKEN = "NBFAAS_TOKEN"  # noqa: S105 - the variable's name
DEFAULT_URL = "http://127.0.0.1:8080"
_SECONDS = 960.0  # longer than any call may take


class ServerClient:
    """``url`` and ``token`` are those of NBFAAS_SERVER and NBFAAS_TOKEN, unless given; the token of
    a server of this machine may also be in the data folder. ``seconds``: without a byte of an
    answer. Thread-safe."""

    def __init__(
        self, url: str | None = None, token: str | None = None, *, seconds: float = _SECONDS
    ) -> None:
        import httpx

        self.url = server_url(url)
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise OptionError("server", self.url, f"an address such as {DEFAULT_URL}")
        self._whence = ""  # of the token, if it is one that was found
        if not token and not (token := os.environ.get(TOKEN)):
            token, self._whence = _token_here(parts.hostname)
        if token is not None and not token.isascii():
            raise OptionError("token", "…", "it is ASCII")
        self.token = token or ""
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=self.url, headers=self._headers, timeout=seconds)

    def __repr__(self) -> str:
        return f"<ServerClient {self.url}>"

    def get(self, path: str, **query: Any) -> Any:
        """JSON. Raises ``ServerUnreachable``, ``ServerRefused``, ``ServerGone`` once closed."""
        return self._ask("GET", path, params=query).json()

    def get_bytes(self, path: str, **query: Any) -> bytes:
        """The body as it is. Raises as ``get`` does."""
        return self._ask("GET", path, params=query).content

    def post_bytes(self, path: str, content: bytes) -> bytes:
        """The body of what is answered. Raises as ``get`` does."""
        return self._ask("POST", path, content=content).content

    def for_loop(self, seconds: float) -> httpx.AsyncClient:
        """A client of the same server for coroutines; ``seconds``: to connect, and without a byte
        being taken. How long an answer may take is for whoever asks to decide."""
        import httpx

        timeout = httpx.Timeout(seconds, read=None, pool=None)
        return httpx.AsyncClient(base_url=self.url, headers=self._headers, timeout=timeout)

    def post(self, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """JSON, or bytes if that is what is answered. Raises as ``get`` does."""
        reply = self._ask("POST", path, json=body, headers=headers)
        media = reply.headers.get("content-type", "")
        return reply.json() if media.startswith("application/json") else reply.content

    def call(self, function: str, body: Any) -> Any:
        """The result of a call."""
        return self.post(f"/functions/{quote(function, safe=':')}", body)

    def start(self, function: str, body: Any) -> str:
        """Have a call kept, and made; its id."""
        path = f"/functions/{quote(function, safe=':')}?async=1"
        return str(self.post(path, body)["id"])

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> ServerClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        import httpx

        try:
            reply = self._http.request(method, path, **given)
        except httpx.HTTPError as error:
            raise ServerUnreachable(self.url, str(error) or type(error).__name__) from None
        except RuntimeError:  # httpx's, of a client that is closed; it may be just now
            if self._http.is_closed:
                raise ServerGone(self.url, CLOSED) from None
            raise
        if reply.is_success:
            return reply
        problem: dict[str, Any] = {}
        if reply.headers.get("content-type", "").startswith("application/problem+json"):
            problem = reply.json()
        detail = str(problem.get("detail") or reply.reason_phrase)
        if reply.status_code == HTTPStatus.UNAUTHORIZED and self._whence:
            detail += f" (what was sent is that of {self._whence})"
        raise ServerRefused(reply.status_code, detail, problem.get("error"), problem)


def server_url(url: str | None) -> str:
    """``url``, or that of NBFAAS_SERVER, or the usual one of this machine."""
    return (url or os.environ.get(URL) or DEFAULT_URL).rstrip("/")


def _token_here(host: str) -> tuple[str | None, str]:
    """That of the data folder, for a server of this machine, and the file that has it."""
    if host not in ("127.0.0.1", "localhost", "::1"):
        return None, ""
    from nbfaas.settings import config

    path = Path(config.data_dir, "serve.token")
    try:
        return path.read_text("ascii").strip() or None, str(path)
    except (OSError, UnicodeDecodeError):
        return None, ""
