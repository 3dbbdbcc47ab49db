"""One connection to a NATS server, which is given up when it is lost, and what arrives on it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections import deque
from collections.abc import Awaitable
from typing import Any

from nbfaas.errors.queue import QueueUnavailable
from nbfaas.triggers.queue_source import raise_if_cancelled
from nbfaas.triggers.queue_url import QueueUrl

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
CLOSE_SECONDS = 2.0
PING_SECONDS = 10  # two that are not answered are the end of a connection
_ACK = "$JS.ACK."


class NatsConnection:
    """``messages`` have arrived and were not taken yet. All that goes wrong, also by itself while
    nobody waits, is raised as ``QueueUnavailable`` by the next who asks or waits."""

    def __init__(self, url: QueueUrl, place: str) -> None:
        self._url = url
        self._place = place
        self._client = _client_class()()
        self._problem: Exception | None = None
        self._stirred = asyncio.Event()
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.messages: deque[Any] = deque()
        self.pull_ended = False
        """The server has said that the last pull brings no more."""

    async def open(self) -> Any:
        """Connect; the JetStream context."""
        token = self._url.username if self._url.password is None else None
        await self.ask(
            self._client.connect(
                servers=[self._url.shown],
                user=None if token else self._url.username,
                password=self._url.password,
                token=token,
                name="nbfaas",
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0.2,
                connect_timeout=CONNECT_SECONDS,
                ping_interval=PING_SECONDS,
                error_cb=self._on_error,
                closed_cb=self._on_closed,
            )
        )
        self._inbox = self._client.new_inbox()
        await self.ask(self._client.subscribe(self._inbox, cb=self._on_message))
        return self._client.jetstream()

    async def pull(self, subject: str, request: bytes) -> None:
        self.pull_ended = False
        await self.ask(self._client.publish(subject, request, reply=self._inbox))

    async def something(self, seconds: float) -> None:
        """Wait until a message has arrived or the pull has ended."""
        while not self.messages and not self.pull_ended:
            self._raise_problem()
            self._stirred.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._stirred.wait()
            except TimeoutError:
                raise self._unavailable(f"no answer within {seconds:g} s") from None

    async def flush(self) -> None:
        """Wait until the server has got what was sent. nats-py would wait its whole time if the
        connection is lost meanwhile."""
        flushing = asyncio.ensure_future(self._client.flush(ANSWER_SECONDS))
        try:
            await asyncio.wait({flushing, self._closed}, return_when=asyncio.FIRST_COMPLETED)
            if not flushing.done():
                self._raise_problem()
            await self.ask(flushing)
        finally:
            flushing.cancel()

    async def ask(self, asking: Awaitable[Any]) -> Any:
        import nats.errors

        try:
            answer = await asking
        except (nats.errors.Error, OSError) as error:
            raise_if_cancelled()
            raise self._unavailable(_text(self._problem or error)) from error
        raise_if_cancelled()
        return answer

    async def close(self, give_back: deque[Any] | list[Any]) -> None:
        """Messages that are given back, and those not taken, are delivered again at once."""
        import nats.errors

        try:
            if self._client.is_connected:
                with contextlib.suppress(nats.errors.Error, OSError):
                    for message in (*give_back, *self.messages):
                        if not message.is_acked:
                            await message.nak()
                    await self._client.flush(CLOSE_SECONDS)
        finally:
            # Where TLS could not be agreed on, Python 3.11 waits for the socket for ever.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._client.close()

    async def _on_message(self, message: Any) -> None:
        if message.reply.startswith(_ACK):
            self.messages.append(message)
        else:  # not of the stream but about the pull
            headers = message.headers or {}
            status = headers.get("Status", "")
            if status in ("404", "408"):
                self.pull_ended = True
            elif status != "100":
                text = headers.get("Description") or "the consumer is gone"
                self._problem = self._problem or RuntimeError(f"{text} (status {status})")
        self._stirred.set()

    async def _on_error(self, error: Exception) -> None:
        import nats.errors

        if not isinstance(error, nats.errors.NoServersError):
            self._problem = error
        self._stirred.set()

    async def _on_closed(self) -> None:
        self._problem = self._problem or ConnectionError("the connection was closed")
        if not self._closed.done():
            self._closed.set_result(None)
        self._stirred.set()

    def _raise_problem(self) -> None:
        if self._problem is not None:
            raise self._unavailable(_text(self._problem)) from self._problem

    def _unavailable(self, reason: str) -> QueueUnavailable:
        low = reason.lower()
        fix = ""
        if "authorization" in low or "permissions" in low:
            fix = "See that the URL has the right credentials: nats://user:password@host:port."
        elif "no responders" in low or "serviceunavailable" in low:
            fix = "JetStream has to be enabled there: nats-server --jetstream."
        return QueueUnavailable(self._place, reason, fix)


def _text(error: Exception) -> str:
    return str(error).rstrip(". ") or type(error).__name__


@functools.cache
def _client_class() -> type[Any]:
    import nats.aio.client

    class Client(nats.aio.client.Client):
        """Subjects may hold any bytes; nats-py would stop reading for ever at one that is not
        UTF-8."""

        def _build_message(self, sid: int, subject: bytes, *rest: Any) -> Any:
            text = subject.decode(errors="backslashreplace")
            return super()._build_message(sid, text.encode(), *rest)

    return Client
