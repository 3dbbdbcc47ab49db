"""What the dashboard costs the kernel while 2,000 calls a second run.

    python benchmarks/dashboard_cost.py [seconds]

Starts a Jupyter kernel and maps a function that does nothing over 200 items ten times a second,
first without and then with a dashboard, for as many seconds each (20). Prints the share of a core
that the kernel uses, that its widgets' thread uses, and the messages that the dashboard sends.
(Without a frontend there is no view that could say that it can't be seen: all updates are sent.)
``NBFAAS_BACKEND`` chooses the backend; the default here is ``process``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

SETUP = """
%load_ext nbfaas
import json, os, threading, time
from nbfaas import config, remote

@remote
def nothing(x):
    return x

def ticks(thread):
    with open(f"/proc/self/task/{thread.native_id}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

def measure(seconds):
    widgets = [each for each in threading.enumerate() if each.name == "nbfaas-widgets"]
    begun, cpu, own = time.monotonic(), time.process_time(), sum(map(ticks, widgets))
    calls, due = 0, begun
    while time.monotonic() < begun + seconds:
        calls += len(list(nothing.map(range(200))))
        due += 0.1
        time.sleep(max(0.0, due - time.monotonic()))
    took = time.monotonic() - begun
    print(json.dumps({
        "calls": calls / took,
        "kernel": (time.process_time() - cpu) / took,
        "widgets": (sum(map(ticks, widgets)) - own) / took,
    }))

config.show_progress = False  # a line for each map would be measured, too
measure(3)
"""


class Kernel:
    """A kernel whose files are below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._manager = KernelManager(kernel_name="python3")
        self._manager.start_kernel(
            cwd=str(folder),
            env={
                "NBFAAS_BACKEND": "process",
                **os.environ,
                "NBFAAS_DATA_DIR": str(folder / "data"),
                "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
            },
        )
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)
        self.messages = 0  # of widgets
        self.bytes = 0

    def run(self, code: str) -> str:
        """What it printed. Raises ``RuntimeError`` if it failed, ``Empty`` without an answer."""
        sent = self._client.execute(code)
        printed = ""
        while True:
            message: dict[str, Any] = self._client.get_iopub_msg(timeout=120)
            kind, content = message["msg_type"], message["content"]
            if kind == "comm_msg":
                self.messages += 1
                self.bytes += len(json.dumps(content)) + sum(map(len, message["buffers"]))
            elif message["parent_header"].get("msg_id") != sent:
                continue
            elif kind == "stream" and content["name"] == "stdout":
                printed += content["text"]
            elif kind == "error":
                raise RuntimeError("\n".join(content["traceback"]))
            elif kind == "status" and content["execution_state"] == "idle":
                return printed

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel()
        self._manager.cleanup_resources()


def main(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        kernel = Kernel(Path(folder))
        try:
            kernel.run(SETUP)
            without = json.loads(kernel.run(f"measure({seconds})"))
            kernel.run("%faas dashboard")
            kernel.messages = kernel.bytes = 0
            begun = time.monotonic()
            shown = json.loads(kernel.run(f"measure({seconds})"))
            took = time.monotonic() - begun
        finally:
            kernel.close()
    for name, found in (("without a dashboard", without), ("with a dashboard", shown)):
        print(
            f"{name:<20} {found['calls']:5.0f} calls/s, kernel {found['kernel']:6.1%} of a core, "
            f"widgets' thread {found['widgets']:5.1%}"
        )
    print(
        f"{'it sent':<20} {kernel.messages / took:5.1f} messages/s, "
        f"{kernel.bytes / took / 1024:.0f} KB/s"
    )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)
