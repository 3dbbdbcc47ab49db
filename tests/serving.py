"""A server in a process of its own, and a client for it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
from waiting import until

ROOT = Path(__file__).parents[1]
MAIN = [sys.executable, "-c", "from nbfaas.cli import main; main(prog_name='nbfaas')"]


class Running:
    """One `nbfaas serve`."""

    def __init__(
        self,
        folder: Path,
        data: Path,
        more: str = "",
        *,
        backend: str = "process",
        env: dict[str, str] | None = None,
        poll: float = 0.2,
    ) -> None:
        self.folder = folder
        self.data = data
        self.file = folder / "nbfaas.toml"
        self.file.write_text(
            f'port = 0\nbackend = "{backend}"\ndata_dir = {json.dumps(str(data))}\n'
            f"poll = {poll}\ngrace = 10\nprewarm = 0\n{more}"
        )
        self._out = folder / "serve.txt"
        self._env = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
        self.url = ""
        self.token = ""
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def told(self) -> str:
        return self._out.read_text()

    def start(self) -> None:
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                [*MAIN, "serve", "--config", str(self.file)],
                stdout=out,
                stderr=out,
                cwd=self.folder,
                env=self._env,
            )
        until(lambda: self.ended or "listening at" in self.told, 60)
        found = re.search(r"listening at (http://\S+),", self.told)
        assert found, self.told
        self.url = found[1]
        made = self.data / "serve.token"
        self.token = made.read_text().strip() if made.exists() else ""

    @property
    def ended(self) -> bool:
        assert self.process is not None
        return self.process.poll() is not None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=self.headers, timeout=60)

    def signal(self, number: int = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> int:
        """End it as an operator does; its exit code."""
        assert self.process is not None
        self.signal()
        return self.process.wait(60)

    def kill(self) -> None:
        if self.process is not None and not self.ended:
            self.stop()

    def cli(
        self, *arguments: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A command of nbfaas that asks it."""
        asks = {"NBFAAS_SERVER": self.url, "NBFAAS_TOKEN": self.token}
        env = {**self._env, **asks, **(env or {})}
        return subprocess.run([*MAIN, *arguments], capture_output=True, text=True, env=env)
