"""A run as a page that stands alone: ``run.report("report.html")``."""

from __future__ import annotations

import math
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbfaas.agent.units import format_bytes, format_seconds
from nbfaas.errors import ReportNotWritten
from nbfaas.model.invocation import InvocationState
from nbfaas.pictures.drawing import GLYPHS, page, table
from nbfaas.pictures.histogram import histogram
from nbfaas.pictures.states import NAMES, name_of
from nbfaas.pictures.text import markup
from nbfaas.remote.details import Details
from nbfaas.remote.run_picture import attempt_line, run_picture, word

if TYPE_CHECKING:
    from nbfaas.remote.map_run import MapRun

_LOGS = 50  # failures that are shown with log and traceback
_FAILED = tuple(NAMES.index(name) for name in ("failed", "timed_out"))


def write_report(run: MapRun[Any], path: str | os.PathLike[str], items: int) -> Path:
    """See ``MapRun.report``. A file that is there is replaced once the new one is complete."""
    target = Path(path).expanduser()
    text = render(run, items)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".nbfaas-", suffix=".html")
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(target)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise ReportNotWritten(run.id, str(target), error) from error
    return target


def render(run: MapRun[Any], items: int) -> str:
    """The page's text. Everything that came from functions is escaped."""
    states = run.states
    chosen = sorted(range(len(states)), key=lambda index: states[index] not in _FAILED)
    chosen = chosen[: max(0, items)]
    shown = [run.details(index) for index in chosen]
    ran = [stats.wall for index in range(len(states)) for stats in run.attempts_of(index)]
    left_out = len(states) - len(chosen)
    parts = [
        f"<h1>{markup(run.function)}</h1>",
        f"<p>Map {markup(run.id)}, written {time.strftime('%Y-%m-%d %H:%M:%S')}</p>",
        *(f"<p>{part}</p>" for part in run_picture(run)[:4] if not part.startswith("<table")),
        "<h2>Timings</h2>",
        _timings(ran),
        "<h2>Items</h2>",
        table(_HEADINGS, map(_row, shown)) if shown else "<p>There were no items.</p>",
        f"<p>{left_out:,} more items are not listed.</p>" if left_out else "",
    ]
    failures = [each for each in shown if NAMES.index(name_of(each.state)) in _FAILED]
    if failures:
        parts.append("<h2>Failures</h2>")
        parts += map(_failure, failures[:_LOGS])
        if len(failures) > _LOGS:
            parts.append(f"<p>{len(failures) - _LOGS:,} more have failed.</p>")
    return page(f"Map of {run.function}", "".join(parts))


_HEADINGS = ("Item", "State", "Attempts", "Waited", "Ran", "Peak memory", "Input", "Result")


def _row(item: Details) -> tuple[object, ...]:
    last = item.attempts[-1] if item.attempts else None
    figures = ["", "", ""]
    if last is not None:
        cold = " (cold)" if last.cold_start else ""
        figures = [
            format_seconds(last.queued) + cold,
            format_seconds(last.wall),
            format_bytes(last.peak_memory) if last.peak_memory else "",
        ]
    name = name_of(item.state)
    state = f"{GLYPHS[name]} {word(name)}"
    outcome = item.result if item.state is InvocationState.SUCCEEDED else item.error
    return (item.index, state, len(item.attempts), *figures, _short(item.input), _short(outcome))


def _short(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _failure(item: Details) -> str:
    attempts = "".join(f"<li>{markup(attempt_line(each))}</li>" for each in item.attempts)
    texts = "".join(
        f"<h4>{title}</h4><pre>{markup(text)}</pre>"
        for title, text in (("Traceback", item.traceback), ("Log", item.log))
        if text
    )
    return (
        f"<details><summary>Item {item.index}: {markup(item.error)}</summary>"
        f"<p>Input: <code>{markup(item.input)}</code></p><ul>{attempts}</ul>{texts}</details>"
    )


def _timings(ran: list[float]) -> str:
    if not ran:
        return "<p>No attempt has ended yet.</p>"
    ordered = sorted(ran)
    marks = [
        (name, ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)])
        for name, share in (("median", 0.5), ("95 %", 0.95), ("99 %", 0.99), ("longest", 1.0))
    ]
    said = ", ".join(f"{name} {format_seconds(value)}" for name, value in marks)
    return f"<p>{len(ran):,} attempts: {said}</p>{histogram(ordered)}"
