"""The connection of a session: commands to the server, frames from it; each exactly once, though
it may break and be made anew."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from nbfaas.client.attended import AttendedClock
from nbfaas.errors import PayloadTooLarge
from nbfaas.errors.serve import CLOSED, ServerGone
from nbfaas.forking import give_up_in_children
from nbfaas.model.session import (
    BEAT,
    Alive,
    BadStream,
    Command,
    Ended,
    Frame,
    FrameReader,
    encode,
    largest_frame,
)

if TYPE_CHECKING:
    import httpx

_ARRAY = 5  # bytes that a batch has besides its commands
_BATCH = 768 * 1024  # bytes of commands in a request, unless one has more
_ACKNOWLEDGE = 0.5  # seconds between words of what was received, while there is something
SILENCE = 3 * BEAT  # seconds without a byte of the stream, or of an answer: it has broken
_PACE = 64 * 1024  # bytes of a request that are sent in a second, at least
_GIVE_UP = 30.0  # seconds of trying; the server keeps a session for that long
_NOBODY = 5.0  # … while nothing at all listens there
_UNREADABLE = 3  # times that the same frame can't be read, until it is given up
_PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)  # seconds between tries


class Link:
    """Made and closed on the client's loop. ``receive`` gets frames, ``lost`` once why the session
    is over. ``http`` knows address and token. ``limit``: bytes that the server takes at once, and
    of a result that it sends."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        url: str,
        session: str,
        receive: Callable[[list[Frame]], None],
        lost: Callable[[ServerGone], None],
        limit: int,
    ) -> None:
        self._http = http
        self._url = url
        self._path = f"/sessions/{session}"
        self._receive = receive
        self._lost = lost
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._clock = AttendedClock()
        self._waiting: deque[tuple[bytes, asyncio.Future[None] | None]] = deque()
        self._wake = asyncio.Event()
        self._awake = False
        self._sent = 0  # the number of the last batch that was obeyed
        self._received = 0  # of the last frame
        self._acknowledged = 0
        self._stream: Any = None  # the connection of the last stream
        self.gone: ServerGone | None = None
        give_up_in_children(self)
        self._tasks = [
            self._loop.create_task(self._send(), name="nbfaas-link-send"),
            self._loop.create_task(self._listen(), name="nbfaas-link-listen"),
        ]

    def __repr__(self) -> str:
        return f"<Link to {self._url}, {len(self._waiting)} commands waiting>"

    def descriptors(self) -> Iterator[int]:
        """Of the stream, as long as which the server takes the notebook for being there."""
        if self._stream is not None:
            yield self._stream.get_extra_info("socket").fileno()

    # -- from any thread

    def send(self, command: Command, obeyed: asyncio.Future[None] | None = None) -> None:
        """In the order of the calls. ``obeyed``, of the loop, is done once the server has. Raises
        ``PayloadTooLarge``, as a server that is sent more than it takes ends the session."""
        content = encode(command)
        if (size := len(content)) > self._limit - _ARRAY:
            error = PayloadTooLarge(f"a command ({type(command).__name__})", size, self._limit)
            error.add_note("(It is the server's limit: session_limit in its configuration.)")
            raise error
        self._waiting.append((content, obeyed))
        if not self._awake:
            self._awake = True
            self._loop.call_soon_threadsafe(self._wake.set)

    # -- sending

    async def _send(self) -> None:
        heard = self._loop.time()
        while self.gone is None:
            pause = _ACKNOWLEDGE if self._received > self._acknowledged else BEAT
            if not self._waiting:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._wake.wait()
            self._wake.clear()
            self._awake = False
            batch = self._take()
            now = self._loop.time()
            if not batch and now - heard < pause:
                continue
            done = await self._post([content for content, _ in batch])
            heard = self._loop.time()
            for _, obeyed in batch:
                if obeyed is not None and not obeyed.done():
                    if done:
                        obeyed.set_result(None)
                    else:
                        obeyed.set_exception(self._closed_error())

    def _take(self) -> list[tuple[bytes, asyncio.Future[None] | None]]:
        batch: list[tuple[bytes, asyncio.Future[None] | None]] = []
        size = 0
        while self._waiting and (not batch or size + len(self._waiting[0][0]) <= _BATCH):
            batch.append(self._waiting.popleft())
            size += len(batch[-1][0])
        return batch

    async def _post(self, commands: list[bytes]) -> bool:
        """Return once they are obeyed; False if the session is over instead."""
        number = self._sent + 1 if commands else 0
        received = self._received
        path = f"{self._path}/commands?number={number}&received={received}"
        body = _array(commands) if commands else b""
        trying = _Trying(self._clock.time())
        while self.gone is None:
            try:
                async with self._clock.timeout(SILENCE + len(body) / _PACE):
                    reply = await self._http.post(path, content=body)
            except Exception as error:  # noqa: BLE001 - httpx's, and what TLS and sockets raise
                await self._try_again(trying, error)
                continue
            if reply.is_success:
                self._sent = number or self._sent
                self._acknowledged = max(self._acknowledged, received)
                return True
            await self._refused(trying, reply)
        return False

    # -- listening

    async def _listen(self) -> None:
        trying = _Trying(self._clock.time())
        bad: list[int] = []  # what had been received when a stream could not be read
        while self.gone is None:
            path = f"{self._path}/stream?after={self._received}"
            try:
                async with (
                    self._clock.timeout(SILENCE) as heard,
                    self._http.stream("GET", path) as reply,
                ):
                    self._stream = reply.extensions.get("network_stream")
                    if not reply.is_success:
                        await reply.aread()
                        await self._refused(trying, reply)
                        continue
                    reader = FrameReader(largest_frame(self._limit))
                    async for chunk in reply.aiter_raw():
                        heard()
                        trying = _Trying(self._clock.time())
                        self._take_in(reader, chunk)
                await self._try_again(trying, None)
            except BadStream as error:
                bad.append(self._received)
                if bad[-_UNREADABLE:] == [self._received] * _UNREADABLE:
                    self._give_up(f"what it sends can't be understood ({error})")
                await self._try_again(trying, error)
            except Exception as error:  # noqa: BLE001 - as above
                await self._try_again(trying, error)

    def _take_in(self, reader: FrameReader, chunk: bytes) -> None:
        """Raises ``BadStream``; what came before is received all the same, since it is not sent
        again."""
        frames: list[Frame] = []
        over: str | None = None
        try:
            for number, frame in reader.feed(chunk):
                if isinstance(frame, Ended):
                    over = frame.reason
                    break
                if number:
                    if number != self._received + 1:
                        if number <= self._received:
                            continue
                        raise BadStream(f"frame {number} after {self._received}")
                    self._received = number
                if not isinstance(frame, Alive):
                    frames.append(frame)
        finally:
            if frames:
                self._receive(frames)
        if over is not None:
            self._give_up(over)

    # -- trouble

    async def _refused(self, trying: _Trying, reply: httpx.Response) -> None:
        detail = reply.reason_phrase
        with contextlib.suppress(ValueError, AttributeError):  # it need not be nbfaas that answers
            detail = str(reply.json().get("detail", detail))
        if reply.status_code in (429, 500, 502, 503, 504):
            await self._try_again(trying, RuntimeError(f"{detail} (HTTP {reply.status_code})"))
        else:
            self._give_up(detail)

    async def _try_again(self, trying: _Trying, error: Exception | None) -> None:
        import httpx

        if self.gone is not None:
            return
        spent = self._clock.time() - trying.since
        refused = isinstance(error, httpx.ConnectError)
        if spent > (_NOBODY if refused else _GIVE_UP):
            reason = str(error) or type(error).__name__ if error is not None else "it hung up"
            self._give_up(f"it has not answered for {spent:.0f} s ({reason})")
            return
        await asyncio.sleep(trying.pause())

    def _give_up(self, reason: str) -> None:
        if self.gone is None:
            self.gone = ServerGone(self._url, reason)
            self._wake.set()
            self._clock.end_timeouts()
            self._end_waiting()
            self._lost(self.gone)

    def _end_waiting(self) -> None:
        while self._waiting:
            _, obeyed = self._waiting.popleft()
            if obeyed is not None and not obeyed.done():
                obeyed.set_exception(self._closed_error())

    def _closed_error(self) -> ServerGone:
        return ServerGone(self._url, CLOSED) if self.gone is None else self.gone.again()

    async def close(self) -> None:
        """Say that nothing more comes, and hang up."""
        was_there = self.gone is None
        self.gone = self._closed_error()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        self._clock.close()
        if was_there:
            with contextlib.suppress(Exception):
                await self._http.delete(self._path, timeout=5.0)
        self._end_waiting()


class _Trying:
    """Since when (by the link's clock) something was tried in vain, and how long to wait before the
    next time."""

    def __init__(self, since: float) -> None:
        self.since = since
        self._tries = 0

    def pause(self) -> float:
        self._tries += 1
        return _PAUSES[min(self._tries, len(_PAUSES)) - 1]


def _array(items: list[bytes]) -> bytes:
    """The msgpack array of encoded items."""
    return b"\xdd" + len(items).to_bytes(4, "big") + b"".join(items)
