"""A real Jupyter server with JupyterLab and Notebook 7, as browser tests use it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import nbformat

import nbfaas

_START_SECONDS = 90.0
_SETTINGS: dict[str, dict[str, object]] = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    # All cells are in the page, also those below its end.
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}


class JupyterServer:
    """Everything of it, the kernels' data and its notebooks too, is in one folder that is removed
    at the end. One server shows notebooks in both frontends."""

    def __init__(self, backend: str = "docker") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="nbfaas-browser-"))
        self.notebooks = self.folder / "notebooks"
        self.notebooks.mkdir()
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port: int = found.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self._token = secrets.token_hex(16)
        self._numbers = 0
        self._backend = backend
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        for name, values in _SETTINGS.items():
            file = self.folder / "settings" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command(),
                env=self._environment(),
                cwd=self.notebooks,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.ask("GET", "/api/status")
                return
            except OSError:
                assert self._process.poll() is None, self.log()
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.1)

    def _command(self) -> list[str]:
        options = [
            *("--no-browser", "--ip=127.0.0.1", f"--port={self.port}"),
            *("--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.notebooks}"),
            "--LabApp.news_url=None",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
        ]
        options += ["--allow-root"] if os.geteuid() == 0 else []
        # It ends when the tests do, however that happens.
        ended = ("setpriv", "--pdeathsig", "TERM")
        return [*ended, sys.executable, "-m", "jupyterlab", *options]

    def _environment(self) -> dict[str, str]:
        folder = self.folder
        return {
            **os.environ,
            "JUPYTER_TOKEN": self._token,
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "jupyter"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "JUPYTER_PREFER_ENV_PATH": "1",
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            "IPYTHONDIR": str(folder / "ipython"),
            "NBFAAS_BACKEND": self._backend,
            "NBFAAS_DATA_DIR": str(folder / "data"),
            # nbfaas need not be installed to be tested. Kernels import the tests' widgets too.
            "PYTHONPATH": f"{Path(nbfaas.__file__).parents[1]}:{Path(__file__).parent}",
        }

    def log(self) -> str:
        return (self.folder / "log").read_text()[-4000:]

    # -- notebooks

    def write(self, cells: list[str]) -> str:
        """A new notebook with these code cells; returns its path on the server."""
        self._numbers += 1
        path = f"n{self._numbers}.ipynb"
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        nbformat.write(notebook, self.notebooks / path)
        return path

    def copy(self, file: Path) -> str:
        """A copy of a notebook; returns its path on the server."""
        self._numbers += 1
        path = f"n{self._numbers}-{file.name}"
        shutil.copy(file, self.notebooks / path)
        return path

    def read(self, path: str) -> Any:
        return nbformat.read(self.notebooks / path, as_version=4)

    def address(self, path: str, frontend: str) -> str:
        """Where ``frontend``, "lab" or "notebook", shows the notebook."""
        where = {"lab": "doc/tree", "notebook": "notebooks"}[frontend]
        return f"{self.base}/{where}/{path}?token={self._token}"

    def end_kernel(self, path: str) -> None:
        """End the notebook's kernel, which takes its sandboxes along."""
        for session in self.ask("GET", "/api/sessions"):
            if session["path"] == path:
                self.ask("DELETE", f"/api/sessions/{session['id']}")

    def ask(self, method: str, path: str) -> Any:
        request = urllib.request.Request(
            self.base + path, method=method, headers={"Authorization": f"token {self._token}"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)  # ends its kernels too
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
