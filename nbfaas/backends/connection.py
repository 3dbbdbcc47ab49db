"""The host's end of the wire to one agent: a non-blocking socket on the event loop."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from itertools import islice

from nbfaas.agent.units import format_bytes
from nbfaas.agent.wire import MAX_BODY, Bytes, Decoder, Frame, WireError

# One wake-up reads at most this much of one connection, so that an agent that never stops writing
# does not keep the loop from the others.
_READS_PER_WAKE_UP = 4
_READ_SIZE = 256 * 1024
# A socket's send takes up to IOV_MAX (1024) buffers; beyond a few dozen nothing is gained.
_BUFFERS_PER_SEND = 64
_SEND_BUFFER = 1024 * 1024


def _ignore_frame(frame: Frame) -> None:
    pass


def _ignore_loss(error: Exception | None) -> None:
    pass


class SocketConnection:
    """``base.Connection`` over a connected stream socket, which it owns from now on.

    Reading begins when ``on_frame`` is first set: until then what the agent sends, its end
    included, waits in the socket, so nothing is missed by a holder that comes late. All methods
    belong to the loop's thread.
    """

    def __init__(
        self,
        sock: socket.socket,
        loop: asyncio.AbstractEventLoop,
        *,
        max_body: int = MAX_BODY,
        label: str = "agent",
    ) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self._sock = sock
        self._fd = sock.fileno()
        self._loop = loop
        self._decoder = Decoder(max_body)
        self._label = label
        self._queue: deque[memoryview] = deque()
        self._reading = False
        self._writable = True
        self._state = "open"
        self._on_frame: Callable[[Frame], None] = _ignore_frame
        self.on_lost: Callable[[Exception | None], None] = _ignore_loss
        self.bytes_in = 0
        self.bytes_out = 0

    def __repr__(self) -> str:
        return (
            f"<SocketConnection {self._label} {self._state}, in {format_bytes(self.bytes_in)}, "
            f"out {format_bytes(self.bytes_out)}, queued {format_bytes(self.queued)}>"
        )

    @property
    def queued(self) -> int:
        """Bytes that were given to ``send`` and wait for the agent to read."""
        return sum(chunk.nbytes for chunk in self._queue)

    @property
    def on_frame(self) -> Callable[[Frame], None]:
        """Called for every frame, in order. Setting it starts the reading."""
        return self._on_frame

    @on_frame.setter
    def on_frame(self, callback: Callable[[Frame], None]) -> None:
        self._on_frame = callback
        if not self._reading and self._state == "open":
            self._reading = True
            self._loop.add_reader(self._fd, self._read)

    def send(self, chunks: list[Bytes]) -> None:
        """Write what can be written now and queue the rest. Chunks are not copied: they must not
        be changed afterwards. After a loss this does nothing."""
        if not self._writable:
            return
        sent = 0
        if not self._queue:
            try:
                if len(chunks) == 1:
                    sent = self._sock.send(chunks[0])
                    if sent == len(chunks[0]):
                        self.bytes_out += sent
                        return
                else:
                    sent = self._sock.sendmsg(chunks[:_BUFFERS_PER_SEND])
            except (BlockingIOError, InterruptedError):
                pass
            except OSError:
                self._stop_writing()
                return
            self.bytes_out += sent
            self._loop.add_writer(self._fd, self._write)
        for chunk in chunks:
            self._queue.append(memoryview(chunk).cast("B"))
        self._drop_sent(sent)

    def close(self) -> None:
        """Close; the agent then exits. ``on_lost`` is not called. Idempotent."""
        if self._state == "open":
            self._release("closed")

    def _write(self) -> None:
        try:
            sent = self._sock.sendmsg(list(islice(self._queue, _BUFFERS_PER_SEND)))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._stop_writing()
            return
        self.bytes_out += sent
        self._drop_sent(sent)

    def _drop_sent(self, sent: int) -> None:
        queue = self._queue
        while queue and sent >= queue[0].nbytes:
            sent -= queue.popleft().nbytes
        if sent:
            queue[0] = queue[0][sent:]
        if not queue:
            self._loop.remove_writer(self._fd)

    def _stop_writing(self) -> None:
        # The agent is gone, but what it wrote before may still be unread: the reader finds the
        # end after that, and reports the loss.
        self._writable = False
        self._queue.clear()
        self._loop.remove_writer(self._fd)

    def _read(self) -> None:
        decoder = self._decoder
        for _ in range(_READS_PER_WAKE_UP):
            buffer = decoder.get_buffer()
            if len(buffer) > _READ_SIZE:
                buffer = buffer[:_READ_SIZE]
            try:
                received = self._sock.recv_into(buffer)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                received = 0
            if not received:
                self._lose(None)
                return
            self.bytes_in += received
            try:
                frames = decoder.advance(received)
            except WireError as error:
                self._lose(error)
                return
            for frame in frames:
                try:
                    self._on_frame(frame)
                except Exception as error:  # noqa: BLE001 - whatever it is, the holder is told
                    problem = WireError(f"a frame could not be handled: {error!r}")
                    problem.__cause__ = error
                    self._lose(problem)
                    return
                if self._state != "open":
                    return
            if received < len(buffer):
                return  # drained: spare the call that would say so

    def _lose(self, error: Exception | None) -> None:
        self._release("lost")
        self.on_lost(error)

    def _release(self, state: str) -> None:
        self._state = state
        self._writable = False
        self._queue.clear()
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._sock.close()
