"""Where one agent calls in: a Unix socket in a folder of its own, a nonce, and one connection."""

from __future__ import annotations

import asyncio
import errno
import hmac
import json
import os
import secrets
import shutil
import socket
import struct
from pathlib import Path
from typing import Any, NamedTuple

from nbfaas.agent.wire import HEADER, MAX_BODY, PROTOCOL, Kind, WireError
from nbfaas.backends.base import Hello
from nbfaas.backends.connection import SocketConnection
from nbfaas.forking import close_in_children

_MAX_PENDING = 16
_MAX_HELLO = 64 * 1024  # bytes
_HELLO_SECONDS = 5.0
_NO_FILES_SECONDS = 0.1  # until it is tried again when this process has no file descriptor left
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid
SOCKET_NAME = "agent.sock"
# What a frame may hold besides a result of the largest size.
BODY_MARGIN = 1024 * 1024


class Greeting(NamedTuple):
    """An agent that has called in. ``host_pid`` is its pid as this process sees it, 0 if unseen."""

    connection: SocketConnection
    hello: Hello
    host_pid: int


class Endpoint:
    """Listens in ``parent/<token>/agent.sock`` for exactly one agent.

    The agent is the connection from user ``uid`` (None: any) whose HELLO carries ``nonce``. Others
    are closed and change nothing; at most 16 are listened to at a time, each for five seconds and
    64 KB. The folder may be bind-mounted read-only: it keeps its place until ``close``.
    """

    def __init__(self, parent: Path, *, uid: int | None, max_body: int = MAX_BODY) -> None:
        self.token = secrets.token_hex(6)
        self.nonce = secrets.token_hex(32)
        self.folder = parent / self.token
        self.path = self.folder / SOCKET_NAME
        self._uid = uid
        self._max_body = max_body
        self._loop = asyncio.get_running_loop()
        self._arrival: asyncio.Future[Greeting] = self._loop.create_future()
        self._taken = False
        self._pending: dict[socket.socket, _Caller] = {}
        self.folder.mkdir(mode=0o755)
        # The user inside a container must get through; the parent folder keeps others out.
        os.chmod(self.folder, 0o755)  # noqa: S103
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.setblocking(False)
        close_in_children(self._listener)
        try:
            self._listener.bind(str(self.path))
            os.chmod(self.path, 0o666)  # noqa: S103
            self._listener.listen(_MAX_PENDING)
        except OSError:
            self.close()
            raise
        self._loop.add_reader(self._listener, self._accept)

    def __repr__(self) -> str:
        state = "listening" if self._listener.fileno() >= 0 else "closed"
        return f"<Endpoint {self.path} {state}, {len(self._pending)} pending>"

    async def greeting(
        self, ended: asyncio.Future[None] | None = None, seconds: float | None = None
    ) -> Greeting | None:
        """Wait for the agent; None if ``ended`` is done, or ``seconds`` have passed, before
        it came. The caller owns the connection from then on.

        Raises ``WireError`` if the agent speaks another version of the protocol.
        """
        waited_for: set[asyncio.Future[Any]] = {self._arrival}
        if ended is not None:
            waited_for.add(ended)
        await asyncio.wait(waited_for, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not self._arrival.done():
            return None
        self._taken = True
        return self._arrival.result()

    def close(self) -> None:
        """Stop listening and remove the folder. An agent that nobody waited for is hung up on;
        a connection that ``greeting`` returned stays. Idempotent."""
        self._stop_listening()
        if not self._arrival.done():
            self._arrival.cancel()
        elif not self._taken and not self._arrival.cancelled() and not self._arrival.exception():
            self._taken = True
            self._arrival.result().connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                # Whoever calls is still there, and would be announced again at once, for ever.
                self._loop.remove_reader(self._listener)
                self._loop.call_later(_NO_FILES_SECONDS, self._listen_again)
            return
        close_in_children(sock)
        sock.setblocking(False)
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, uid, _ = _CREDENTIALS.unpack(credentials)
        if self._uid is not None and uid != self._uid:
            sock.close()
            return
        self._pending[sock] = _Caller(self, sock, pid, self._loop)
        if len(self._pending) >= _MAX_PENDING:
            # Whoever comes next waits in the backlog until one of these has had its time.
            self._loop.remove_reader(self._listener)

    def _listen_again(self) -> None:
        if self._listener.fileno() >= 0 and len(self._pending) < _MAX_PENDING:
            self._loop.add_reader(self._listener, self._accept)

    def _hang_up(self, caller: _Caller) -> None:
        caller.release()
        caller.sock.close()
        del self._pending[caller.sock]
        if len(self._pending) == _MAX_PENDING - 1:
            self._loop.add_reader(self._listener, self._accept)

    def _said_hello(self, caller: _Caller, control: bytes) -> None:
        try:
            said = json.loads(control)
            nonce, protocol = str(said["nonce"]).encode(), int(said["protocol"])
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
            self._hang_up(caller)
            return
        if not hmac.compare_digest(nonce, self.nonce.encode()):
            self._hang_up(caller)
            return
        try:
            if protocol != PROTOCOL:
                raise WireError(f"the agent speaks protocol {protocol}, this host {PROTOCOL}")
            hello = _read_hello(said)
        except WireError as error:
            self._hang_up(caller)
            self._stop_listening()
            self._arrival.set_exception(error)
            return
        caller.release()
        del self._pending[caller.sock]
        self._stop_listening()
        connection = SocketConnection(
            caller.sock, self._loop, max_body=self._max_body, label=f"agent {caller.pid}"
        )
        self._arrival.set_result(Greeting(connection, hello, caller.pid))

    def _stop_listening(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self.path.unlink(missing_ok=True)
        for caller in self._pending.values():
            caller.release()
            caller.sock.close()
        self._pending.clear()


class _Caller:
    """Someone who has connected and not yet said who it is."""

    def __init__(
        self, endpoint: Endpoint, sock: socket.socket, pid: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.sock = sock
        self.pid = pid
        self._endpoint = endpoint
        self._loop = loop
        self._received = bytearray()
        self._wanted = HEADER.size
        self._timer = loop.call_later(_HELLO_SECONDS, endpoint._hang_up, self)
        loop.add_reader(sock, self._read)

    def release(self) -> None:
        self._timer.cancel()
        self._loop.remove_reader(self.sock)

    def _read(self) -> None:
        # Never more than the HELLO is read: what follows it is for the connection's decoder.
        try:
            data = self.sock.recv(self._wanted - len(self._received))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        self._received += data
        if not data:
            self._endpoint._hang_up(self)
            return
        if len(self._received) < self._wanted:
            return
        version, kind, _, _, clen, _, blen = HEADER.unpack_from(self._received)
        if self._wanted == HEADER.size:
            self._wanted += clen + blen
            if version != PROTOCOL or kind != Kind.HELLO or self._wanted > _MAX_HELLO:
                self._endpoint._hang_up(self)
                return
        if len(self._received) == self._wanted:
            control = bytes(self._received[HEADER.size : HEADER.size + clen])
            self._endpoint._said_hello(self, control)


def _read_hello(said: dict[str, object]) -> Hello:
    try:
        python: Any = said["python"]
        major, minor, micro = map(int, python)
        return Hello(
            python=(major, minor, micro),
            pid=int(str(said["pid"])),
        )
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise WireError(f"the agent's HELLO lacks something: {error!r}") from error
