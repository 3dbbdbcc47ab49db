"""Runs rows in rounds: every contender in a process of its own, one after the other, and again."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.environment import BUILD, ROOT, peers_environ
from benchmarks.peers import Load
from benchmarks.targets import LIMIT, OURS, Row

Figures = dict[str, float]
Rounds = dict[str, list[Figures]]  # by contender

_SECONDS = 240.0
# What each peer is asked to do, so that a slow one does not take minutes, and in how many rounds.
LOADS: dict[str, tuple[Load, int]] = {
    "processes": (Load(), 99),
    "loky": (Load(), 99),
    "ray": (Load(calls=500), 2),
    "dask": (Load(calls=100, items=1000, results=50), 1),
    "ipyparallel": (Load(calls=200, items=1000, results=50), 1),
    "lithops": (Load(calls=5, items=20, sums=0, results=0), 1),
}


class Failed(Exception):
    """A contender's process did not end well; the text is the end of what it wrote."""


def measure_calls(
    rows: Iterable[Row], rounds: int, peers: Path | None, say: Callable[[str], None]
) -> dict[str, Rounds]:
    """The rows that every peer is measured by, by key."""
    keys = [row.key for row in rows]
    found: dict[str, Rounds] = {key: defaultdict(list) for key in keys}
    failed: set[str] = set()
    for number in range(rounds):
        for name in [OURS, *(LOADS if peers is not None else ())]:
            load, most = LOADS.get(name, (Load(), rounds))
            if number >= most or name in failed:
                continue
            say(f"round {number + 1} of {rounds}: {name}, {', '.join(keys)}")
            module = ["benchmarks.calls", name, ",".join(keys), json.dumps(load._asdict())]
            try:
                figures = _run(module, None if name == OURS else peers)
            except Failed as error:
                if name == OURS:
                    raise
                say(f"{name} is left out: {error}")
                failed.add(name)
                continue
            for key, values in figures.items():
                found[key][name].append(values)
        limits = _alone("limits", 1)[0] if set(keys) & {"warm", "array", "results"} else {}
        _add_limits(found, limits)
    if "array" in keys:
        say("memory of the row array")
        found["array"][OURS] += _alone("array_memory", 2)
    return found


def _add_limits(found: dict[str, Rounds], limits: Figures) -> None:
    if "warm" in found:
        found["warm"][LIMIT].append({"p50": limits["p50"], "p99": limits["p99"]})
    if "array" in found:
        figures = {"sums": limits["sums"], "seconds": limits["sums"], "fill": limits["fill"]}
        found["array"][LIMIT].append(figures)
    if "results" in found:
        found["results"][LIMIT].append({"rate": limits["copy_rate"]})


def measure_alone(row: Row, rounds: int) -> Rounds:
    return {OURS: _alone(row.alone, rounds)}


def measure_stages() -> Figures:
    return _alone("stages", 1)[0]


def _alone(module: str, rounds: int) -> list[Figures]:
    figures: list[Figures] = _run(["benchmarks.alone", module, str(rounds)], None)
    return figures


def _run(module: list[str], peers: Path | None) -> Any:
    """Run ``python -m`` with what is in ``module``, and the name of a file, which it writes."""
    BUILD.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="run-", dir=BUILD if peers is None else "/tmp"))
    try:
        out, log = scratch / "out.json", scratch / "log.txt"
        python = peers or Path(sys.executable)
        environ = dict(os.environ) if peers is None else peers_environ(peers, scratch)
        mark = environ["NBFAAS_BENCH_RUN"] = secrets.token_hex(8)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [python, "-m", *module, out],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                process.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                pass
            finally:
                _end(process, mark)
        if not out.exists() or (peers is None and process.returncode):
            raise Failed(log.read_text(errors="replace").strip()[-2000:] or "it wrote nothing")
        return json.loads(out.read_text())
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if peers is not None:
            # Fixed places outside of TMPDIR, as lithops has them.
            shutil.rmtree("/tmp/lithops-root", ignore_errors=True)


def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    """End the process, and whatever it has started and left: that has the mark in its
    environment."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if mark.encode() in (entry / "environ").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                continue  # gone, or not ours
