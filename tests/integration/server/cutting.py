"""A way to a server that can be cut, held and opened again."""

from __future__ import annotations

import contextlib
import socket
import threading


class Way:
    """Hands on what comes to ``url`` to a port of this machine, and back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._open = threading.Event()
        self._open.set()
        self.refuses = False
        self.cuts = 0
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection there is, in the middle of whatever it was at."""
        self.cuts += 1
        with self._lock:
            for each in self._ends:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def hold(self) -> None:
        """Hand on nothing any more, and break nothing: as if the other end had vanished."""
        self._open.clear()

    def release(self) -> None:
        """Hand on what was held, and what comes."""
        self._open.set()

    def close(self) -> None:
        self.refuses = True
        self.release()
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                if self.refuses:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._port))
                with self._lock:
                    self._ends |= {client, server}
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                self._open.wait()
                other.sendall(data)
            self._open.wait()
        for each in (one, other):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            with self._lock:
                if each in self._ends:
                    self._ends.discard(each)
                    continue
            each.close()
