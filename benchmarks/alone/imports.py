"""``import nbfaas`` and ``%load_ext nbfaas``, each in a new interpreter."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.alone import Figures

_IMPORT = """
import time
started = time.perf_counter()
import nbfaas
print(time.perf_counter() - started)
"""
# What a notebook's kernel has loaded before its first cell is not nbfaas's.
_EXTENSION = """
import time
import ipykernel.ipkernel, ipykernel.zmqshell
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
started = time.perf_counter()
shell.run_line_magic("load_ext", "nbfaas")
print("took", time.perf_counter() - started)
import nbfaas.service
nbfaas.service.close_service()
"""


def measure(rounds: int) -> list[Figures]:
    _seconds(_IMPORT), _seconds(_EXTENSION)  # files are in the cache from here on
    return [
        {"import": _seconds(_IMPORT), "extension": _seconds(_EXTENSION)}
        for _ in range(max(3, rounds))
    ]


def _seconds(code: str) -> float:
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])
