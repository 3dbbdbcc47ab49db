"""What a child that was forked in the notebook holds on to when its kernel is killed: nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from nbfaas.delivery.store import EventStore
from nbfaas.journal.database import _opening
from nbfaas.remote.deploy import one_at_a_time
from nbfaas.settings import Settings

FORKING = """
child = os.fork()
if not child:
    time.sleep(600)
    os._exit(0)
print(child, flush=True)
time.sleep(600)
"""
GATEWAY = """
import os, sys, time
import nbfaas
from nbfaas import config, on

config.backend, config.data_dir, config.prewarm = "process", sys.argv[1], 0

@on.http("GET", "/ping")
def ping():
    return "pong"

print(nbfaas.endpoint().url, flush=True)
sys.stdin.readline()
"""
LOCKING = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_forked_children import {lock}

with {lock}(Path(sys.argv[1])):
"""


def deploying(data: Path) -> AbstractContextManager[None]:
    return one_at_a_time(Settings(data_dir=str(data)), "f")


def opening_the_journal(data: Path) -> AbstractContextManager[None]:
    return _opening(data / "journal.db")


class Kernel:
    """A process with the data folder ``data``, which forks a child that outlives it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.child: int | None = None

    def line(self) -> str:
        line = self.process.stdout.readline()
        assert line, "it ended"
        return line.strip()

    def forked_and_killed(self) -> None:
        self.child = int(self.line())
        self.process.kill()
        self.process.wait()


@contextmanager
def kernel(code: str, data: Path) -> Iterator[Kernel]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # since Python 3.12 it warns of forking beside threads
        text=True,
    )
    with process:
        kernel = Kernel(process)
        try:
            yield kernel
            os.kill(kernel.child, 0)  # the child is still there
        finally:
            process.kill()
            if kernel.child is not None:
                os.kill(kernel.child, signal.SIGKILL)


def test_a_forked_child_keeps_neither_the_port_nor_connections_nor_the_events(tmp_path):
    with kernel(GATEWAY + FORKING, tmp_path) as killed:
        port = int(killed.line().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert client.recv(1) == b"H"
            killed.process.stdin.write("\n")
            killed.process.stdin.flush()
            killed.forked_and_killed()
            while client.recv(1000):
                pass  # the rest of the answer; then the gateway has hung up
        with socket.create_server(("127.0.0.1", port)):
            pass
        store = EventStore(tmp_path / "events" / f"{Settings().event_store}.db")
        store.open()
        store.close()


@pytest.mark.parametrize("lock", [deploying, opening_the_journal])
def test_a_forked_child_does_not_keep_others_from(lock, tmp_path):
    tests = str(Path(__file__).parent)
    code = LOCKING.format(tests=tests, lock=lock.__name__) + FORKING.replace("\n", "\n    ")
    with kernel(code, tmp_path) as killed:
        killed.forked_and_killed()
        with lock(tmp_path):
            pass
