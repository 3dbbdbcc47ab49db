"""Requests to a warm no-op function of ``nbfaas serve`` on Docker, beside a bare starlette route.

Each server is a process of its own, and so is the load: kept connections, each with one request
under way (``benchmarks/http_load.py`` says how many). Calls that wait (sync), calls that are kept
(async: 202 once it is durable; what was accepted is being run meanwhile), and the route.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.alone import BUILD, Figures, calm_down, wait_for
from benchmarks.http_load import TOKEN, measured, request

_SECONDS = 2.0
_NBFAAS = [sys.executable, "-c", "from nbfaas.cli import main; main(prog_name='nbfaas')"]
_BODY = b'{"total": 21}'
_SHOP = 'from nbfaas import remote\n\n\n@remote\ndef same(total):\n    return {"total": total}\n'
_CONFIG = """
host = "127.0.0.1"
port = 0
token_env = ["BENCHMARK_TOKEN"]
functions = ["same"]
"""


def measure(rounds: int) -> list[Figures]:
    BUILD.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=BUILD, prefix="data-") as folder,
        _server(Path(folder)) as port,
        _bare() as bare,
    ):
        return [_round(port, bare) for _ in range(rounds)]


def _round(port: int, bare: int) -> Figures:
    as_json = {"Content-Type": "application/json"}
    figures: Figures = {}
    for name, at, line in (
        ("bare", bare, "POST /orders"),
        ("sync", port, "POST /functions/same"),
        ("kept", port, "POST /functions/same?async=1"),
    ):
        calm_down(15.0)  # what is kept is run before the next begins
        found = asyncio.run(measured(at, request(line, as_json, _BODY), _SECONDS))
        figures |= {
            name: found["rate"],
            f"{name}_p50": found["p50"] / 1e3,
            f"{name}_p99": found["p99"] / 1e3,
        }
    return figures


@contextmanager
def _server(folder: Path) -> Iterator[int]:
    environ = {
        **os.environ,
        "BENCHMARK_TOKEN": TOKEN,
        "NBFAAS_DATA_DIR": str(folder),
        "NBFAAS_BACKEND": "docker",
    }
    (folder / "shop.py").write_text(_SHOP)
    (folder / "nbfaas.toml").write_text(_CONFIG)
    deploy = [*_NBFAAS, "deploy", "shop.py:same", "--alias", "prod"]
    subprocess.run(deploy, cwd=folder, env=environ, check=True, capture_output=True)
    log = folder / "serve.log"
    with log.open("w") as out:
        server = subprocess.Popen([*_NBFAAS, "serve"], cwd=folder, env=environ, stderr=out)
    try:
        wait_for(lambda: "listening at" in log.read_text() or server.poll() is not None, "serve")
        found = re.search(r"listening at http://127.0.0.1:(\d+)", log.read_text())
        if found is None:
            raise RuntimeError(log.read_text())
        yield int(found[1])
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        for name in ("same:prod", "same"):
            command = [*_NBFAAS, "rm", name]
            subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True)


@contextmanager
def _bare() -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.bare_route"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.wait()
