"""Servers of queues that a test session starts for itself, each in a folder and on a loopback port
of its own, and what tests do to them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import pytest

PASSWORD = "s3cr@t/p:w"  # with all that has a meaning in an URL
QUOTED = "s3cr%40t%2Fp%3Aw"


class Server(ABC):
    program: ClassVar[str]
    script: ClassVar[str] = "queue_servers"  # of the folder scripts; it installs the program
    marker: ClassVar[str] = "queues"

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        if shutil.which(self.program) is None:
            pytest.fail(
                f"this test needs {self.program}. Install it with `python scripts/{self.script}.py`"
                f" (as root), or leave such tests out with -m 'not {self.marker}'."
            )
        self.folder = Path(tempfile.mkdtemp(prefix=f"nbfaas-{self.program}-"))
        with socket.socket() as found:
            found.bind((host, 0))
            self.port: int = found.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]: ...

    @property
    @abstractmethod
    def url(self) -> str: ...

    def start(self) -> None:
        """To be called by the main thread: the server ends when the calling one does, however
        that ends."""
        command = ["setpriv", "--pdeathsig", "KILL", *self.command()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection((self.host, self.port), timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.02)

    def kill(self, number: int = signal.SIGKILL) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)
        self._process.wait(30)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder)


class RedisServer(Server):
    program = "redis-server"

    def command(self) -> list[str]:
        return [
            *(self.program, "--bind", "127.0.0.1", "--port", str(self.port)),
            *("--unixsocket", str(self.socket), "--dir", str(self.folder), "--daemonize", "no"),
            *("--requirepass", PASSWORD),
            # What it has said to have is there after it was killed.
            *("--save", "", "--appendonly", "yes", "--appendfsync", "everysec"),
        ]

    @property
    def socket(self) -> Path:
        return self.folder / "redis.sock"

    @property
    def url(self) -> str:
        return f"redis://:{QUOTED}@127.0.0.1:{self.port}/0"


class NatsServer(Server):
    program = "nats-server"

    def command(self) -> list[str]:
        return [
            *(self.program, "--addr", "127.0.0.1", "--port", str(self.port)),
            *("--jetstream", "--store_dir", str(self.folder)),
            *("--user", "tester", "--pass", PASSWORD),
        ]

    @property
    def url(self) -> str:
        return f"nats://tester:{QUOTED}@127.0.0.1:{self.port}"
