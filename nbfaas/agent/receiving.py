"""Receiving frames, and waiting for the next one: asleep, or awake for a moment."""

from __future__ import annotations

import os
import socket
import time
from collections import deque

from nbfaas.agent import wire
from nbfaas.agent.wire import Decoder, Frame

_CLOSE_ON_EXEC = 0x40000000  # MSG_CMSG_CLOEXEC, which the socket module does not name

SOON = 0.0002
"""Seconds in which the next call of a loop of short calls comes, twice over."""
MANY = 8


class Receiver:
    """Reads frames from ``sock``.

    To wake up a process that sleeps on another core takes some 50 µs on a virtual machine, which is
    half of a short call. So once ``MANY`` calls have come one by one and in close succession, the
    receiver stays awake for the next one, for ``SOON`` seconds at most; whoever else wants the core
    gets it. The first call that comes later ends this, and so does one that does not come alone: a
    map keeps the cores busy, and none is to be spent on waiting. It is off unless
    ``may_stay_awake``: it spends time of the sandbox's cpu limit, and that of the only core there
    may be.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.may_stay_awake = False
        self._sock = sock
        self._decoder = Decoder(trusting=True)
        self._frames: deque[Frame] = deque()
        self._succession = 0  # frames that came alone and soon, up to now

    def next(self) -> Frame | None:
        """The next frame; None when the other side has closed."""
        while not self._frames:
            began = time.perf_counter()
            if not ((self.is_awake and self._receive_soon(began)) or self._receive(0)):
                return None
            alone_and_soon = len(self._frames) == 1 and time.perf_counter() - began < SOON
            self._succession = self._succession + 1 if alone_and_soon else 0
        return self._frames.popleft()

    def take(self, kind: int) -> Frame | None:
        """The first frame of this kind among those that have come; the others stay."""
        for index, frame in enumerate(self._frames):
            if frame.kind == kind:
                del self._frames[index]
                return frame
        return None

    def wait_for(self, kind: int) -> Frame | None:
        """The next frame of this kind; what comes before it stays. None when the other side has
        closed."""
        while (frame := self.take(kind)) is None:
            if not self._receive(0):
                return None
        return frame

    def receive_ready(self) -> bool:
        """Receive what is there, to be taken. False when the other side has closed."""
        try:
            return self._receive(socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True

    def fileno(self) -> int:
        return self._sock.fileno()

    @property
    def is_awake(self) -> bool:
        """Whether the next frame is waited for awake."""
        return self.may_stay_awake and self._succession >= MANY

    def _receive_soon(self, began: float) -> bool:
        """False if nothing has come by ``SOON`` seconds after ``began``, or the other side has
        closed."""
        while time.perf_counter() - began < SOON:
            try:
                return self._receive(socket.MSG_DONTWAIT)
            except BlockingIOError:
                os.sched_yield()
        return False

    def _receive(self, flags: int) -> bool:
        buffer = self._decoder.get_buffer()
        received, ancillary, _, _ = self._sock.recvmsg_into(
            [buffer], wire.ANCILLARY, _CLOSE_ON_EXEC | flags
        )
        if not received:
            return False
        descriptors = wire.received_descriptors(ancillary) if ancillary else ()
        self._frames.extend(self._decoder.advance(received, descriptors))
        return True


def may_stay_awake(cpu: float) -> bool:
    """Whether a sandbox of ``cpu`` cores can afford to wait awake beside who calls it."""
    return cpu >= 1 and len(os.sched_getaffinity(0)) > 1
