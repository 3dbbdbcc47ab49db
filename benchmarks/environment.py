"""The environment of the peers: made once, in build/bench, apart from the project's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).absolute().parent.parent
BUILD = ROOT / "build" / "bench"
PACKAGES = ("dask[distributed]", "ipyparallel", "lithops", "loky", "numpy", "ray")


def peers_python() -> Path:
    """The interpreter of the peers' environment, which is made if need be."""
    venv = BUILD / "venv"
    python = venv / "bin" / "python"
    marker = venv / "installed"
    wanted = f"{sys.version}\n{' '.join(PACKAGES)}\n"
    if not marker.exists() or marker.read_text() != wanted:
        print(f"Installing the peers into {venv.relative_to(ROOT)}: {', '.join(PACKAGES)}")
        shutil.rmtree(venv, ignore_errors=True)
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, venv], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", python, *PACKAGES], check=True)
        marker.write_text(wanted)
    return python


def peers_environ(python: Path, scratch: Path) -> dict[str, str]:
    """Some peers start ``python`` by name, and leave files: those go to ``scratch``."""
    return {
        **os.environ,
        "PATH": f"{python.parent}:{os.environ.get('PATH', '')}",
        "TMPDIR": str(scratch),
        "HOME": str(scratch),
        "IPYTHONDIR": str(scratch / "ipython"),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
