"""The agent: connects to the host, is given a function, runs its invocations, and exits when the
connection closes. Blocking, one invocation at a time; see ``nbfaas.agent.wire`` for the protocol.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from nbfaas.agent import wire
from nbfaas.agent.buffers import SealedBuffer, seal, views
from nbfaas.agent.claims import Claims
from nbfaas.agent.receiving import Receiver, may_stay_awake
from nbfaas.agent.wire import Codec, Frame, Kind

if TYPE_CHECKING:
    from nbfaas.agent.loading import Loaded

_SPARE_DESCRIPTORS = 512  # left to the function


class Agent:
    """One connection to the host, and the function that was loaded over it."""

    def __init__(self, sock: socket.socket) -> None:
        from nbfaas.agent.output import Output
        from nbfaas.agent.provisions import Provisions
        from nbfaas.agent.usage import Usage

        self._sock = sock
        self._passes_descriptors = sock.family == socket.AF_UNIX
        self._receiver = Receiver(sock)
        self._send_lock = threading.Lock()
        self._result_limit = wire.MAX_BODY
        self._load: dict[str, Any] | None = None
        self._load_failed = False
        self._function: Loaded | None = None
        self._claims: Claims | None = None
        self._provisions = Provisions(self.send, self._receiver)
        self._usage = Usage()
        self._output = Output(self._send_log, 1024 * 1024)

    def serve(self) -> None:
        """Answer frames until the host closes the connection."""
        self._output.install()
        while True:
            frame = self._receiver.next()
            if frame is None:
                return
            if frame.kind == Kind.INVOKE:
                self._invoke(frame)
            elif frame.kind == Kind.WELCOME:
                control = json.loads(frame.control)
                self._output.limit = control["log_limit"]
                self._result_limit = control["result_limit"]
                if isinstance(page := frame.parts[0], SealedBuffer):
                    self._claims = Claims(page.fileno())
            elif frame.kind == Kind.LOAD:
                self._load_function(frame)
            elif frame.kind == Kind.SECRETS:
                self._provisions.given = json.loads(b"".join(views(frame.parts)))
            elif frame.kind == Kind.PING:
                self.send(wire.encode(Kind.PONG, frame.call))

    # -- sending

    def send(self, chunks: list[wire.Chunk]) -> None:
        with self._send_lock:
            for chunk in chunks:
                if isinstance(chunk, wire.Passing):
                    sent = self._sock.sendmsg([chunk.data], wire.passed_descriptors(chunk.buffers))
                    self._sock.sendall(memoryview(chunk.data)[sent:])
                else:
                    self._sock.sendall(chunk)

    def _send_log(self, call: int, stream: int, data: bytes) -> None:
        self.send(wire.encode(Kind.LOG, call, stream, parts=(data,)))

    # -- functions and invocations

    def _load_function(self, frame: Frame) -> None:
        from nbfaas.agent import failure, loading

        control = json.loads(frame.control)
        started = time.perf_counter()
        self._output.begin(frame.call)
        try:
            self._output.redact = self._provisions.keep()
            payload = b"".join(views(frame.parts))
            self._function = loading.load(control, payload, self._provisions)
            if self._function.takes_context:
                self._provisions.open_line()
            problem = None
        except loading.MissingModule as error:
            problem = failure.missing_module(str(error))
        except ModuleNotFoundError as error:
            problem = failure.missing_module(error.name or str(error))
        except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is reported
            problem = failure.load(error)
        self._output.end()
        self._load = control
        self._receiver.may_stay_awake = may_stay_awake(control.get("cpu", 0))
        self._load_failed = problem is not None
        if problem is not None:
            stats = self._usage.end()
            head = stats + json.dumps(self._provisions.redacted(problem)).encode()
            self.send(wire.encode(Kind.FAILURE, frame.call, Codec.PICKLE, head))
            return
        if control.get("isolation") == "call":
            gc.collect()
            gc.freeze()  # so that a child's collector does not copy the parent's pages
        else:
            self._output.start_pump(self._sock.fileno())
        seconds = time.perf_counter() - started
        self.send(
            wire.encode(Kind.LOADED, frame.call, 0, json.dumps({"seconds": seconds}).encode())
        )

    def _invoke(self, frame: Frame) -> None:
        if self._function is None or self._load is None or self._load_failed:
            return  # the host has been told, and gives this sandbox up
        if self._claims is not None and not self._claims.claim(frame.call):
            self.send(wire.encode(Kind.REVOKED, frame.call))
        elif self._load.get("isolation") == "call":
            self._invoke_in_child(frame, self._function)
        else:
            self.send(self._answer(frame, self._function))

    def _invoke_in_child(self, frame: Frame, function: Loaded) -> None:
        from nbfaas.agent import failure, forking
        from nbfaas.agent.usage import Usage

        def run() -> list[wire.Chunk]:
            self._send_lock = threading.Lock()
            self._usage = Usage()
            self._output.install()
            self._output.start_pump(self._sock.fileno())
            if relay is not None:
                self._provisions.receive = relay.in_child()
            return self._answer(frame, function)

        # Only what has a context can ask for state.
        relay = self._provisions.relay() if function.takes_context else None

        self._usage.begin()
        try:
            forking.run_in_child(run, self.send, None if relay is None else relay.wait)
        except forking.ChildDied as died:
            problem = failure.crashed(died.exit_code, died.signal_name, died.oom)
            head = self._usage.end() + json.dumps(problem).encode()
            self.send(wire.encode(Kind.FAILURE, frame.call, Codec.PICKLE, head))
        except forking.ChildLeftStreamBroken:
            os._exit(1)

    def _answer(self, frame: Frame, function: Loaded) -> list[wire.Chunk]:
        """Run one invocation and return the frame that answers it."""
        from nbfaas.agent import codec, failure

        self._output.begin(frame.call)
        self._provisions.begin(frame.call)
        self._usage.begin()
        problem: dict[str, Any] | None = None
        parts: Any = ()
        try:
            control = json.loads(frame.control) if frame.control else {}
            if frame.codec == Codec.JSON:
                from nbfaas.agent.event import Event

                event = Event.from_json(b"".join(views(frame.parts)))
                value = function.receive(event, control)
            else:
                args, kwargs = codec.load(frame.parts)
                value = function.call(args, kwargs, control)
            if type(value).__name__ == "coroutine":
                import asyncio

                value = asyncio.run(value)
        except SystemExit as error:
            problem = failure.exited(error.code)
        except failure.Unbound as error:
            problem = failure.binding(error)
        except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is reported
            problem, parts = failure.describe(error)
        else:
            try:
                parts = codec.dump(value)
                if self._passes_descriptors:
                    parts = seal(parts, _SPARE_DESCRIPTORS)
                if (size := wire.total(parts)) > self._result_limit:
                    problem, parts = failure.result_too_large(size, self._result_limit), ()
            except codec.Unpicklable as error:
                problem = failure.unpicklable_result(error.path, error.reason)
            value = None
        self._provisions.end()
        stats = self._usage.end()
        self._output.end()
        if problem is None:
            return wire.encode(Kind.RESULT, frame.call, Codec.PICKLE, stats, parts)
        if self._provisions.tells(parts):
            parts = ()
        head = stats + json.dumps(self._provisions.redacted(problem)).encode()
        return wire.encode(Kind.FAILURE, frame.call, Codec.PICKLE, head, parts)


def main(preload: str | None = None) -> None:
    """Connect to the socket named in the environment and serve. The exit code is 0 when the host
    closed the connection. ``preload`` is the path of a list of modules, see ``preloading``."""
    address = os.environ.pop("NBFAAS_SOCKET")
    nonce = os.environ.pop("NBFAAS_NONCE")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.connect(address)
    hello = {
        "nonce": nonce,
        "protocol": wire.PROTOCOL,
        "python": list(sys.version_info[:3]),
        "pid": os.getpid(),
    }
    agent = Agent(sock)
    agent.send(wire.encode(Kind.HELLO, 0, Codec.JSON, json.dumps(hello).encode()))
    # The modules that the first invocation needs are imported while the host is still busy.
    from nbfaas.agent import codec, failure, loading  # noqa: F401

    gc.freeze()  # what was imported stays: the collector need not look at it again and again
    gc.enable()
    try:
        if preload is not None:
            from nbfaas.agent.preloading import import_while_idle

            import_while_idle(preload, sock)
        agent.serve()
    except (ConnectionError, wire.WireError) as error:
        sys.__stderr__ and print(f"nbfaas agent: {error}", file=sys.__stderr__)
    # Threads and exit handlers that a function has left must not keep the sandbox.
    os._exit(0)


if __name__ == "__main__":
    main()
