"""What an invocation writes: live, in order, attributed to it, and bounded.

Python's own ``sys.stdout`` and ``sys.stderr`` are replaced by streams that send each write at once.
What goes past them, to the descriptors 1 and 2 (C extensions, child processes), goes through a pipe
that a thread empties; before an invocation is answered, the pipe is emptied once more, so that
nothing written before the end arrives after the answer.
"""

from __future__ import annotations

import io
import os
import select
import sys
import threading
from collections.abc import Callable

from nbfaas.agent.units import format_bytes

STDOUT, STDERR = 1, 2
# The end of a cut output is kept as well: that is where the reason for a failure tends to be.
_TAIL = 8 * 1024
# Every write counts as at least this much, so that a flood of tiny writes is bounded too; but for
# the line's end, which ``print`` writes by itself.
_MIN_COST = 16
_NEWLINE = b"\n"
_CHUNK = 64 * 1024

Send = Callable[[int, int, bytes], None]  # call, stream, data


class Output:
    """The output of one process, for one invocation after the other.

    ``limit`` is in bytes and applies to each invocation, both streams together. ``redact`` is given
    each write, and returns what is sent of it.
    """

    def __init__(self, send: Send, limit: int) -> None:
        self.limit = limit
        self.redact: Callable[[bytes], bytes] | None = None
        self._send = send
        self._call = 0  # 0: no invocation is running, what is written is nobody's
        self._budget = 0
        self._dropped = 0
        self._tail = bytearray()
        self._tail_stream = STDOUT
        self._lock = threading.RLock()
        self._pipes: dict[int, int] = {}  # read end -> stream
        self._connection = -1
        self._waiting = select.poll()  # the pump's
        self._looking = select.poll()  # a poll object can't be used by two threads at once

    def install(self) -> None:
        """Replace the process's streams; after a fork, call again in the child."""
        for read_end in self._pipes:
            os.close(read_end)
        self._lock = threading.RLock()  # another thread may have held it during the fork
        self._pipes.clear()
        self._waiting, self._looking = select.poll(), select.poll()
        for stream in (STDOUT, STDERR):
            read_end, write_end = os.pipe()
            os.set_blocking(read_end, False)
            os.dup2(write_end, stream, inheritable=True)
            os.close(write_end)
            self._pipes[read_end] = stream
            self._waiting.register(read_end, select.POLLIN)
            self._looking.register(read_end, select.POLLIN)
        sys.stdout = SandboxStream(self, STDOUT)
        sys.stderr = SandboxStream(self, STDERR)

    def start_pump(self, connection: int) -> None:
        """Start the thread that empties the pipe while an invocation runs.

        It also ends the process when the host hangs up on ``connection``, a descriptor: a function
        that never returns must not outlive the notebook that called it.
        """
        self._connection = connection
        self._waiting.register(connection, select.POLLRDHUP)
        threading.Thread(target=self._pump, name="nbfaas-output", daemon=True).start()

    def begin(self, call: int) -> None:
        """What is written from now on belongs to the invocation ``call``."""
        with self._lock:
            self._call, self._budget, self._dropped = call, self.limit, 0

    def end(self) -> None:
        """Send what is still in the pipes; what is written from now on is nobody's."""
        with self._lock:
            if self._looking.poll(0):
                self._drain()
            if self._dropped:
                self._send_tail()
            self._call = 0

    def write_after_pipe(self, stream: int, data: bytes) -> None:
        """Like ``write``, after what is in the pipes: that was written earlier."""
        with self._lock:
            if self._call and self._looking.poll(0):
                self._drain()
            self.write(stream, data)

    def write(self, stream: int, data: bytes) -> None:
        with self._lock:
            if not self._call or not data:
                return
            if self.redact is not None:
                data = self.redact(data)
            if self._budget > 0:
                cost = 1 if data == _NEWLINE else max(len(data), _MIN_COST)
                if cost <= self._budget:
                    self._budget -= cost
                    self._send(self._call, stream, data)
                    return
                head, data = data[: self._budget], data[self._budget :]
                self._budget = 0
                self._send(self._call, stream, head)
            self._dropped += len(data)
            self._tail_stream = stream
            self._tail += data[-_TAIL:]
            if len(self._tail) > 2 * _TAIL:
                del self._tail[:-_TAIL]

    def _send_tail(self) -> None:
        tail = bytes(self._tail[-_TAIL:])
        self._tail.clear()
        cut = self._dropped - len(tail)
        if cut > 0:
            marker = f"\n[… {format_bytes(cut)} of output cut: the limit is "
            marker += f"{format_bytes(self.limit)} for each call, a write counts as "
            marker += f"{_MIN_COST} bytes or more …]\n"
            self._send(self._call, STDERR, marker.encode())
        self._send(self._call, self._tail_stream, tail)
        self._dropped = 0

    def _drain(self) -> None:
        for read_end, stream in self._pipes.items():
            # A child process that keeps writing must not keep the answer from being sent.
            for _ in range(64):
                try:
                    data = os.read(read_end, _CHUNK)
                except BlockingIOError:
                    break
                if not data:
                    break
                self.write(stream, data)

    def _pump(self) -> None:
        while True:
            if any(fd == self._connection for fd, _ in self._waiting.poll()):
                os._exit(0)
            with self._lock:
                self._drain()


class SandboxStream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` in a sandbox: unbuffered; ``fileno`` is the real one."""

    def __init__(self, output: Output, stream: int) -> None:
        self._output = output
        self._stream = stream
        self.buffer = _SandboxBuffer(output, stream)

    encoding = "utf-8"
    errors = "backslashreplace"
    line_buffering = True

    @property
    def name(self) -> str:
        return "<stdout>" if self._stream == STDOUT else "<stderr>"

    def write(self, text: str) -> int:
        self._output.write_after_pipe(self._stream, text.encode("utf-8", "backslashreplace"))
        return len(text)

    def fileno(self) -> int:
        return self._stream

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        """A function that closes its stdout must not silence the next one."""


class _SandboxBuffer(io.RawIOBase):
    """The binary side of a ``SandboxStream``."""

    def __init__(self, output: Output, stream: int) -> None:
        self._output = output
        self._stream = stream

    def write(self, data: object) -> int:
        chunk = bytes(data)  # type: ignore[call-overload]
        self._output.write_after_pipe(self._stream, chunk)
        return len(chunk)

    def fileno(self) -> int:
        return self._stream

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """As for ``SandboxStream.close``."""
