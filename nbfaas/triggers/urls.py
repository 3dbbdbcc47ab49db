"""Sending an event to a URL: a CloudEvent over HTTP, in structured mode."""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING

from nbfaas.errors.delivery import UrlFailed
from nbfaas.model.url import without_credentials

if TYPE_CHECKING:
    import httpx

_TIMEOUT = 30.0  # seconds for one attempt
_HEADERS = {"content-type": "application/cloudevents+json; charset=utf-8"}

_sending: ContextVar[bool] = ContextVar("nbfaas_sending", default=False)


class UrlSender:
    """One client, and so one pool of connections, for all URLs; made at the first event."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"<UrlSender {'unused' if self._client is None else 'open'}>"

    async def send(self, url: str, body: bytes) -> UrlFailed | None:
        """None: the receiver has answered 2xx. Redirects are not followed: they would carry the
        event to somebody else. Credentials of the ``url`` are in no error and in no log."""
        import httpx

        _sending.set(True)
        if self._client is None:
            logging.getLogger("httpx").addFilter(_hide_credentials)
            # Triggers bound how much is under way: one URL that is slow must not take away the
            # connections of the others.
            limits = httpx.Limits(max_connections=None)
            self._client = httpx.AsyncClient(
                timeout=_TIMEOUT, limits=limits, follow_redirects=False
            )
        try:
            async with (
                asyncio.timeout(_TIMEOUT),  # httpx's own is for each read
                self._client.stream("POST", url, content=body, headers=_HEADERS) as response,
            ):
                if response.is_success:
                    return None
                reason = f"it answered {response.status_code}"
        except TimeoutError:
            reason = f"it did not answer within {_TIMEOUT:g} s"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
        return UrlFailed(without_credentials(url), reason)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            logging.getLogger("httpx").removeFilter(_hide_credentials)


def _hide_credentials(record: logging.LogRecord) -> bool:
    """httpx notes each request, with its whole URL."""
    if _sending.get() and isinstance(record.args, tuple):
        import httpx

        record.args = tuple(
            without_credentials(str(each)) if isinstance(each, httpx.URL) else each
            for each in record.args
        )
    return True
