"""What a session has still to tell its client: frames, kept until the client has said that it got
them, so that a stream that broke is taken up again without a loss."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from nbfaas.model.failures import ErrorTold
from nbfaas.model.invocation import InvocationState
from nbfaas.model.session import BEAT, Alive, Dropped, Frame, Settled, frame_bytes, largest_frame

_MB = 1024 * 1024
_MOST_RECORDS = 16 * _MB  # bytes of frames that may be left out
_AT_ONCE = 256 * 1024  # bytes of one write
_ALIVE = frame_bytes(0, Alive())


class Outbox:
    """On one loop. ``limit``: bytes that may wait for a client that takes none, and of one
    result."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._largest = largest_frame(limit)
        self._kept: deque[tuple[int, bytes, bool]] = deque()  # number, frame, whether it is needed
        self._unsent: deque[bytes] = deque()
        self._size = self._records = 0  # bytes kept; those of them that were not needed
        self._number = 0
        self._dropped = 0
        self._changed = asyncio.Event()
        self._reader = 0  # counts streams; the latest one is served
        self._closed = False
        self._taken_at = asyncio.get_running_loop().time()  # when something was acknowledged last
        self.streaming = False

    def __repr__(self) -> str:
        return f"<Outbox {len(self._kept)} frames kept, {self._size} bytes>"

    def overflows(self, seconds: float) -> bool:
        """Whether more than the limit waits, and none of it was taken for so long."""
        stuck = asyncio.get_running_loop().time() - self._taken_at > seconds
        return stuck and self._size > self._limit

    def put(self, frame: Frame, *, needed: bool = True) -> None:
        """``needed``: never left out, however slow the client is."""
        if not needed and self._records > _MOST_RECORDS:
            self._dropped += 1
            return
        if self._dropped and self._records <= _MOST_RECORDS // 2:
            dropped, self._dropped = self._dropped, 0
            self.put(Dropped(dropped))
        if not self._kept:
            self._taken_at = asyncio.get_running_loop().time()
        data = frame_bytes(self._number + 1, frame)
        if len(data) > self._largest:
            if isinstance(frame, Settled):
                frame = _without_contents(frame)
                data = frame_bytes(self._number + 1, frame)
            else:
                self._dropped += 1
                return
        self._number += 1
        self._kept.append((self._number, data, needed))
        self._size += len(data)
        if not needed:
            self._records += len(data)
        if self.streaming:
            self._unsent.append(data)
            self._changed.set()

    def acknowledge(self, number: int) -> None:
        """The client has got everything up to this one."""
        kept = self._kept
        if kept and kept[0][0] <= number:
            self._taken_at = asyncio.get_running_loop().time()
        while kept and kept[0][0] <= number:
            _, data, needed = kept.popleft()
            self._size -= len(data)
            if not needed:
                self._records -= len(data)

    def hang_up(self) -> None:
        """End the stream, as one that nobody reads; the client may take it up again."""
        self._reader += 1
        self.streaming = False
        self._unsent.clear()
        self._changed.set()

    def close(self) -> None:
        """Streams end when everything was sent."""
        self._closed = True
        self._changed.set()

    async def stream(self, after: int) -> AsyncGenerator[bytes, None]:
        """Frames, from the one after number ``after`` on; an earlier stream ends."""
        self._reader += 1
        reader = self._reader
        self.acknowledge(after)
        self._unsent = deque(data for _, data, _ in self._kept)
        self.streaming = True
        self._changed.set()  # for the earlier one
        try:
            yield _ALIVE  # that it was taken up
            while reader == self._reader:
                if chunk := self._next_chunk():
                    yield chunk
                elif self._closed:
                    return
                else:
                    self._changed.clear()
                    try:
                        async with asyncio.timeout(BEAT):
                            await self._changed.wait()
                    except TimeoutError:
                        yield _ALIVE
        finally:
            if reader == self._reader:
                self.streaming = False
                self._unsent.clear()

    def _next_chunk(self) -> bytes:
        taken: list[bytes] = []
        size = 0
        while self._unsent and size < _AT_ONCE:
            taken.append(self._unsent.popleft())
            size += len(taken[-1])
        return b"".join(taken)


def _without_contents(end: Settled) -> Settled:
    """What is told of an invocation whose end the client would not take: it ended, at least."""
    told = "what is to be told of the end of this call is too large for the connection"
    error = ErrorTold("ResultTooLarge", f"{told} (session_limit of the server).", {})
    state, made = InvocationState.FAILED, end.attempts_made
    return Settled(end.id, end.version, state, made, (), error=error)
