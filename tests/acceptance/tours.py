"""Executing a tour notebook as its reader does, in a real kernel with real containers."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

ROOT = Path(__file__).parents[2]


def executed(name: str, folder: Path, backend: str = "docker") -> nbformat.NotebookNode:
    """``notebooks/NAME`` with its outputs; what it keeps goes below ``folder``."""
    source = ROOT / "notebooks" / name
    notebook = nbformat.read(source, as_version=4)
    env = {
        **os.environ,
        "NBFAAS_BACKEND": backend,
        "NBFAAS_DATA_DIR": str(folder / "data"),
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(folder),
    }
    # The paths of sockets must be short, and those of pytest's folders are not.
    with tempfile.TemporaryDirectory(prefix="nbt-", dir="/tmp") as sockets:
        config = Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}})
        resources = {"metadata": {"path": str(source.parent)}}
        client = NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources=resources, config=config
        )
        client.execute(env=env)
    return notebook
