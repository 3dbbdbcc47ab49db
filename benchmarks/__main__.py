"""``python -m benchmarks``: nbfaas beside its peers, in one table.

    python -m benchmarks --only warm,map --rounds 3 --no-peers
    python -m benchmarks --publish      # also writes docs/performance.md, .svg and .json

Figures, table and picture are written to build/bench. Ends with 1 if a target was missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import rounds
from benchmarks.chart import draw
from benchmarks.environment import BUILD, ROOT, peers_python
from benchmarks.machine import machine, versions
from benchmarks.page import page
from benchmarks.report import Line, as_text, reasons
from benchmarks.targets import ROWS, Measured, Row

_STAGES = "stages"


def _arguments() -> argparse.Namespace:
    keys = [*(row.key for row in ROWS), _STAGES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--only", default="", help=f"rows, such as warm,map; of {', '.join(keys)}")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (3)")
    parser.add_argument("--no-peers", action="store_true", help="measure nbfaas alone")
    parser.add_argument("--publish", action="store_true", help="write docs/performance.*")
    parser.add_argument("--again", action="store_true", help="show build/bench/latest.json again")
    given = parser.parse_args()
    given.only = given.only.split(",") if given.only else keys
    unknown = set(given.only) - set(keys)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    return given


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


def _measure(given: argparse.Namespace) -> dict[str, Any]:
    peers = None if given.no_peers else peers_python()
    report: dict[str, Any] = {
        "when": time.strftime("%Y-%m-%d"),
        "rounds": given.rounds,
        "machine": machine(),
        "versions": versions(peers),
        "rows": {},
        "failed": {},
        "stages": {},
    }
    wanted = [row for row in ROWS if row.key in given.only]
    calls = [row for row in wanted if not row.alone]
    if calls:
        report["rows"] |= rounds.measure_calls(calls, given.rounds, peers, _say)
    for row in wanted:
        if row.alone:
            _measure_alone(row, given.rounds, report)
    if _STAGES in given.only:
        _say("where the time of a warm call goes")
        report["stages"] = rounds.measure_stages()
    return report


def _measure_alone(row: Row, count: int, report: dict[str, Any]) -> None:
    _say(row.title)
    try:
        report["rows"][row.key] = rounds.measure_alone(row, count)
    except rounds.Failed as error:
        _say(f"this row could not be measured: {error}")
        report["failed"][row.key] = str(error).splitlines()[-1]


def main() -> int:
    given = _arguments()
    latest = BUILD / "latest.json"
    report = json.loads(latest.read_text()) if given.again else _measure(given)
    lines = [
        Line(row, Measured(report["rows"][row.key])) for row in ROWS if row.key in report["rows"]
    ]
    BUILD.mkdir(parents=True, exist_ok=True)
    folders = [(BUILD, "latest")] + ([(ROOT / "docs", "performance")] if given.publish else [])
    for folder, name in folders:
        _write(folder / name, report, lines)
    print(as_text(lines))
    for reason in reasons(lines):
        print("missed:", reason)
    for key, reason in report["failed"].items():
        print(f"{key}: could not be measured: {reason}")
    if report["stages"]:
        print("µs of a warm call:", _in_microseconds(report["stages"]))
    return int(bool(report["failed"]) or any(line.met is False for line in lines))


def _in_microseconds(stages: dict[str, float]) -> str:
    return ", ".join(f"{name} {seconds * 1e6:.1f}" for name, seconds in stages.items())


def _write(path: Path, report: dict[str, Any], lines: list[Line]) -> None:
    path.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n")
    path.with_suffix(".svg").write_text(draw(lines))
    text = page(
        lines, report["stages"], report["machine"], report["versions"], report["when"],
        report["rounds"],
    )  # fmt: skip
    path.with_suffix(".md").write_text(text)


if __name__ == "__main__":
    sys.exit(main())
