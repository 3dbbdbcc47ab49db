"""The host's end of the wire to one agent: a non-blocking socket on the event loop."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable

from nbfaas.agent.units import format_bytes
from nbfaas.agent.wire import (
    ANCILLARY,
    MAX_BODY,
    Chunk,
    Decoder,
    Frame,
    Passing,
    WireError,
    passed_descriptors,
    received_descriptors,
)

# One wake-up reads at most this much of one connection, so that an agent that never stops writing
# does not keep the loop from the others.
_READS_PER_WAKE_UP = 4
_READ_SIZE = 256 * 1024
# A socket's send takes up to IOV_MAX (1024) buffers; beyond a few dozen nothing is gained.
_BUFFERS_PER_SEND = 64
_SEND_BUFFER = 1024 * 1024


# Descriptors must not leak into programs that the notebook starts.
_FLAGS = 0x40000000  # MSG_CMSG_CLOEXEC, which the socket module does not name


def _size(chunk: memoryview | Passing) -> int:
    return len(chunk.data) if isinstance(chunk, Passing) else chunk.nbytes


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
        self._queue: deque[memoryview | Passing] = deque()
        self._passes = sock.family == socket.AF_UNIX
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
        return sum(map(_size, self._queue))

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

    @property
    def passes_descriptors(self) -> bool:
        """Whether ``wire.Passing`` chunks can be sent."""
        return self._passes

    def send(self, chunks: list[Chunk]) -> None:
        """Write what can be written now and queue the rest. Chunks are not copied: they must not
        be changed afterwards. After a loss this does nothing."""
        if not self._writable:
            return
        if not self._queue and len(chunks) == 1 and type(chunk := chunks[0]) is bytes:
            try:
                sent = self._sock.send(chunk)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:
                self._writable = False
                return
            self.bytes_out += sent
            if sent == len(chunk):
                return
            # Perhaps in another thread, as a lone call is sent: the loop's readers and writers are
            # its own to change.
            self._queue.append(memoryview(chunk)[sent:])
            self._loop.call_soon_threadsafe(self._go_on_writing)
            return
        waiting = bool(self._queue)
        for chunk in chunks:
            if isinstance(chunk, Passing):
                self._queue.append(chunk)
            else:
                self._queue.append(memoryview(chunk).cast("B"))
        if not waiting:
            self._loop.add_writer(self._fd, self._write)
            self._write()

    def close(self) -> None:
        """Close; the agent then exits. ``on_lost`` is not called. Idempotent."""
        if self._state == "open":
            self._release("closed")

    def _go_on_writing(self) -> None:
        if self._writable and self._queue:
            self._loop.add_writer(self._fd, self._write)

    def _write(self) -> None:
        queue = self._queue
        try:
            while queue:
                head = queue[0]
                if isinstance(head, Passing):
                    sent = self._sock.sendmsg([head.data], passed_descriptors(head.buffers))
                    # The descriptors went with the first byte; what is left is bytes alone.
                    queue[0] = memoryview(head.data)
                else:
                    sent = self._sock.sendmsg(self._plain_chunks())
                self.bytes_out += sent
                self._drop_sent(sent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._stop_writing()
            return
        self._loop.remove_writer(self._fd)

    def _plain_chunks(self) -> list[memoryview]:
        chunks: list[memoryview] = []
        for chunk in self._queue:
            if isinstance(chunk, Passing) or len(chunks) == _BUFFERS_PER_SEND:
                break
            chunks.append(chunk)
        return chunks

    def _drop_sent(self, sent: int) -> None:
        queue = self._queue
        while queue and (size := _size(queue[0])) <= sent:
            sent -= size
            queue.popleft()
        if sent and isinstance(head := queue[0], memoryview):
            queue[0] = head[sent:]

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
                if self._passes:
                    received, ancillary, _, _ = self._sock.recvmsg_into([buffer], ANCILLARY, _FLAGS)
                else:
                    received, ancillary = self._sock.recv_into(buffer), []
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                received, ancillary = 0, []
            if not received:
                self._lose(None)
                return
            self.bytes_in += received
            try:
                if ancillary:
                    frames = decoder.advance(received, received_descriptors(ancillary))
                else:
                    frames = decoder.advance(received)
            except (WireError, OSError, MemoryError) as error:  # or there is no room for it
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
