from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path


def main(row: str, rounds: str, out: str) -> None:
    figures = import_module(f"benchmarks.alone.{row}").measure(int(rounds))
    Path(out).write_text(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
