"""A second interpreter, as a sandbox is one: with the agent, and nothing that the test defined."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

_CALL = """
import pickle, sys
payload, parts = pickle.load(sys.stdin.buffer)
from nbfaas.agent import codec, failure
function = codec.load_function(payload)
args, kwargs = codec.load(parts)
try:
    answer = ("result", [bytes(p) for p in codec.dump(function(*args, **kwargs))])
except Exception as error:
    data, parts = failure.describe(error)
    answer = ("failure", data, [bytes(p) for p in parts])
pickle.dump(answer, sys.stdout.buffer)
"""


def _run(arguments: list[str], given: bytes, cwd: Path | str) -> bytes:
    done = subprocess.run(
        [sys.executable, *arguments],
        input=given,
        capture_output=True,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def call_elsewhere(payload: bytes, parts: list[Any]) -> tuple[Any, ...]:
    """``("result", parts)`` or ``("failure", data, parts)`` of a call in another interpreter."""
    given = pickle.dumps((payload, [bytes(part) for part in parts]))
    answer: tuple[Any, ...] = pickle.loads(_run(["-c", _CALL], given, "/"))
    return answer


def run_script(folder: Path, source: str) -> str:
    """Run ``source`` as ``__main__`` of an interpreter that can import this module."""
    script = folder / "notebook.py"
    header = f"import sys; sys.path.insert(0, {str(ROOT / 'tests')!r})\n"
    script.write_text(header + source)
    return _run([str(script)], b"", folder).decode()
