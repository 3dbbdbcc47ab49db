"""On what the figures were measured."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import nbfaas

PEER_NAMES = ("loky", "ray", "distributed", "ipyparallel", "lithops", "numpy")
_VERSIONS = """
import sys
from importlib.metadata import version
for name in sys.argv[1:]:
    print(name, version(name))
"""


def machine() -> dict[str, str]:
    """Names and values, for people."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": f"{len(os.sched_getaffinity(0))} cores, {_processor()}",
        "memory": f"{memory:.0f} GB",
        "kernel": f"{platform.system()} {platform.release()}",
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def versions(peers: Path | None) -> dict[str, str]:
    """The versions of what was measured."""
    found = {
        "nbfaas": f"{nbfaas.__version__} ({_commit()})",
        "Python": platform.python_version(),
        "Docker": _output("docker", "version", "--format", "{{.Server.Version}}"),
    }
    if peers is not None:
        for line in _output(str(peers), "-c", _VERSIONS, *PEER_NAMES).splitlines():
            name, _, version = line.partition(" ")
            found[name] = version
    return found


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine() or sys.platform


def _commit() -> str:
    folder = Path(__file__).resolve().parent
    commit = _output("git", "-C", str(folder), "rev-parse", "--short", "HEAD")
    changed = _output("git", "-C", str(folder), "status", "--porcelain", "--", "../nbfaas")
    return f"{commit}, changed" if changed else commit


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "?"
