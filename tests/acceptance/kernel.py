"""A real Jupyter kernel, as a test drives it."""

from __future__ import annotations

import os
import re
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.manager import KernelManager

import nbfaas

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Cell:
    """What running a cell gave.

    ``results`` and ``displays`` are bundles by MIME type; displays that were updated hold what they
    showed last, and ``updates`` counts how often that changed.
    """

    stdout: str = ""
    stderr: str = ""
    status: str = "running"
    results: list[dict[str, Any]] = field(default_factory=list)
    displays: list[dict[str, Any]] = field(default_factory=list)
    updates: int = 0
    error: str = ""  # the traceback as text, without colours
    error_name: str = ""
    error_value: str = ""
    pages: list[str] = field(default_factory=list)  # what `name?` shows

    @property
    def value(self) -> str:
        """The text of the cell's value; empty if there is none."""
        return str(self.results[-1]["text/plain"]) if self.results else ""

    @property
    def html(self) -> str:
        return str(self.results[-1].get("text/html", "")) if self.results else ""

    @property
    def shown(self) -> str:
        """All text that was displayed."""
        return "\n".join(str(display.get("text/plain", "")) for display in self.displays)

    def ok(self) -> Cell:
        """Itself, if it did not fail."""
        assert self.status == "ok", self.error or self.stderr
        return self


class Kernel:
    """A kernel process; use it in a ``with`` block.

    ``backend`` is what ``NBFAAS_BACKEND`` is set to; the journal and all else go below ``folder``,
    which is the kernel's working directory too.
    """

    def __init__(self, folder: Path, backend: str = "process", **env: str) -> None:
        self.folder = folder
        self._env = {
            **os.environ,
            "NBFAAS_BACKEND": backend,
            "NBFAAS_DATA_DIR": str(folder / "data"),
            # nbfaas need not be installed to be tested.
            "PYTHONPATH": str(Path(nbfaas.__file__).parents[1]),
            "PYTHONWARNINGS": "default",
            **env,
        }
        # A socket file instead of a port: many kernels may start at once.
        self._manager = KernelManager(kernel_name="python3", transport="ipc")
        self._displays: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Kernel:
        try:
            self.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.stop_channels()
        self._end()

    def _end(self) -> None:
        if self._manager.has_kernel:
            self._manager.shutdown_kernel()
        self._manager.cleanup_resources()

    def start(self) -> None:
        runtime = self.folder / "runtime"
        runtime.mkdir(exist_ok=True, mode=0o700)
        # The paths of sockets must be short, and those of pytest's folders are not.
        self._manager.ip = f"/tmp/nbk-{os.getpid()}-{id(self) & 0xFFFFFF:x}"
        self._manager.connection_file = str(runtime / "kernel.json")
        self._manager.start_kernel(env=self._env, cwd=str(self.folder))
        self._connect()

    def _connect(self) -> None:
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)

    @property
    def pid(self) -> int:
        provisioner = self._manager.provisioner
        assert provisioner is not None
        return int(provisioner.pid)  # type: ignore[attr-defined]

    # -- running

    def run(self, code: str, timeout: float = 60, *, cell: str | None = None) -> Cell:
        """Run a cell and wait for its end. ``cell`` is the id by which a frontend tells it from
        others."""
        return self.wait(self.begin(code, cell=cell), timeout)

    def begin(self, code: str, *, cell: str | None = None) -> str:
        """Send a cell; ``wait`` waits for its end."""
        if cell is None:
            message: str = self._client.execute(code)
            return message
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {},
                   "allow_stdin": False, "stop_on_error": True}  # fmt: skip
        request = self._client.session.msg("execute_request", content, metadata={"cellId": cell})
        self._client.shell_channel.send(request)
        return str(request["header"]["msg_id"])

    def wait(self, message: str, timeout: float = 60) -> Cell:
        cell = Cell()
        deadline = time.monotonic() + timeout
        while not self._take(self._iopub(deadline, cell), message, cell):
            pass
        while True:
            reply = self._client.get_shell_msg(timeout=max(0.1, deadline - time.monotonic()))
            if reply["parent_header"].get("msg_id") == message:
                break
        content = reply["content"]
        cell.status = content["status"]
        for payload in content.get("payload", ()):
            if payload.get("source") == "page":
                cell.pages.append(_ANSI.sub("", payload["data"]["text/plain"]))
        return cell

    def wait_for_output(self, message: str, text: str, timeout: float = 60) -> Cell:
        """Wait until the running cell has shown ``text``, on any stream or display."""
        cell = Cell()
        deadline = time.monotonic() + timeout
        while text not in cell.stdout + cell.stderr + cell.shown:
            ended = self._take(self._iopub(deadline, cell), message, cell)
            assert not ended, f"the cell ended without {text!r}: {cell}"
        return cell

    def settle(self, seconds: float = 0.5) -> int:
        """Take in what arrives outside of cells; returns how many displays were updated."""
        cell = Cell()
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                self._take(self._client.get_iopub_msg(timeout=left), "", cell)
            except Empty:
                break
        return cell.updates

    def _iopub(self, deadline: float, cell: Cell) -> dict[str, Any]:
        try:
            left = max(0.01, deadline - time.monotonic())
            found: dict[str, Any] = self._client.get_iopub_msg(timeout=left)
        except Empty:
            raise TimeoutError(f"the cell did not end in time; so far: {cell}") from None
        return found

    def _take(self, message: dict[str, Any], parent: str, cell: Cell) -> bool:
        """Note what a message says; True if the cell with the id ``parent`` has ended."""
        kind, content = message["msg_type"], message["content"]
        if kind == "update_display_data":
            self._displays.setdefault(content["transient"]["display_id"], {}).update(
                content["data"]
            )
            cell.updates += 1
            return False
        if message["parent_header"].get("msg_id") != parent:
            return False
        if kind == "stream":
            setattr(cell, content["name"], getattr(cell, content["name"]) + content["text"])
        elif kind == "execute_result":
            cell.results.append(content["data"])
        elif kind == "display_data":
            cell.displays.append(content["data"])
            if display_id := content.get("transient", {}).get("display_id"):
                self._displays[display_id] = content["data"]
        elif kind == "error":
            cell.error = _ANSI.sub("", "\n".join(content["traceback"]))
            cell.error_name, cell.error_value = content["ename"], content["evalue"]
        return bool(kind == "status" and content["execution_state"] == "idle")

    # -- harm

    def interrupt(self) -> None:
        """What the stop button does."""
        self._manager.interrupt_kernel()

    def kill(self) -> None:
        """``kill -9``; nothing in the kernel gets to run any more."""
        os.kill(self.pid, signal.SIGKILL)
        while self._manager.is_alive():
            time.sleep(0.02)

    def restart(self) -> None:
        """Restart as the menu does; a killed kernel is started again."""
        self._client.stop_channels()
        if self._manager.is_alive():
            self._manager.restart_kernel(now=False)
        else:
            self._manager.start_kernel(env=self._env, cwd=str(self.folder))
        self._connect()
