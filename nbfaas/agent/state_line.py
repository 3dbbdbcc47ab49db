"""The sandbox's end of state: STATE frames to the host; replies come in among other frames."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

from nbfaas.agent import wire
from nbfaas.agent.buffers import views
from nbfaas.agent.receiving import Receiver
from nbfaas.agent.state import Reply, StateUnavailable
from nbfaas.agent.wire import Chunk, Codec, Frame, Kind

_RELAY_SECONDS = 5.0  # that a child may take to read its reply; it waits for it


class StateLine:
    """One request at a time, from any thread of the process that runs the invocation.

    ``receive`` returns the next reply, None once the host has closed.
    """

    def __init__(
        self, send: Callable[[list[Chunk]], None], receive: Callable[[], Frame | None]
    ) -> None:
        self._send = send
        self._receive = receive
        self._lock = threading.Lock()
        self._call = 0  # 0: no invocation is running
        self._process = 0
        self._asked = 0

    def begin(self, call: int) -> None:
        """The invocation ``call`` may ask, from this process."""
        self._call, self._process = call, os.getpid()

    def end(self) -> None:
        """Nobody may ask any more: the socket is the agent's again. Waits for who is at it."""
        with self._lock:
            self._call = 0

    def ask(self, request: dict[str, Any], values: Sequence[bytes] = ()) -> Reply:
        if os.getpid() != self._process:
            raise StateUnavailable(
                "state is for the function's own process and its threads; hand what you need of it "
                "to the processes you start"
            )
        with self._lock:
            if not self._call:
                raise StateUnavailable("the invocation that this state belongs to has ended")
            self._asked += 1
            control = json.dumps({"id": self._asked, **request}).encode()
            self._send(wire.encode(Kind.STATE, self._call, Codec.NONE, control, _framed(values)))
            while True:
                frame = self._receive()
                if frame is None:
                    raise StateUnavailable("the host has hung up")
                reply = json.loads(frame.control)
                # Whoever asked before may have been interrupted, and its reply be left.
                if reply["id"] == self._asked:
                    return reply, [bytes(each) for each in views(frame.parts)][:-1]


def _framed(values: Sequence[bytes]) -> list[bytes]:
    """A last, empty part: several parts are told apart, and a frame without parts has one too."""
    return [*values, b""]


class Relay:
    """Replies for an invocation in a child process (``isolation="call"``): the child writes its
    requests to the host itself, and the parent, which alone may read from the host, hands on what
    comes back."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._parent, self._child = socket.socketpair()
        self._parent.settimeout(_RELAY_SECONDS)

    def in_child(self) -> Callable[[], Frame | None]:
        """Called in the child: where its replies come."""
        self._parent.close()
        return Receiver(self._child).next

    def wait(self, child: int) -> None:
        """Called in the parent: hand on replies until the child has ended. It is not reaped."""
        self._child.close()
        ended = os.pidfd_open(child)
        try:
            waiting = select.poll()
            waiting.register(ended, select.POLLIN)
            waiting.register(self._receiver.fileno(), select.POLLIN)
            self._hand_on()
            while ended not in (ready := {fd for fd, _ in waiting.poll()}):
                if ready and not self._receiver.receive_ready():
                    return  # the host has hung up; so will the child, which watches for it
                self._hand_on()
        finally:
            os.close(ended)
            self._parent.close()

    def _hand_on(self) -> None:
        while (frame := self._receiver.take(Kind.STATE_REPLY)) is not None:
            parts = views(frame.parts)
            # A child that does not take it has died, or asks without waiting.
            with contextlib.suppress(OSError):
                for chunk in wire.encode(frame.kind, frame.call, frame.codec, frame.control, parts):
                    assert not isinstance(chunk, wire.Passing)
                    self._parent.sendall(chunk)
