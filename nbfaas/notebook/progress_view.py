"""A map's progress as text and as HTML."""

from __future__ import annotations

from nbfaas.notebook.text import markup
from nbfaas.remote.map_run import Counts
from nbfaas.remote.progress import progress_line

_WIDTH = 24  # characters of the bar in text


def progress_text(function: str, counts: Counts) -> str:
    """The line with a bar in front: ``[######··········] score: 8/20 done, 2 running``."""
    share = counts.settled / counts.total if counts.total else 1.0
    full = int(share * _WIDTH)
    return f"[{'#' * full}{'·' * (_WIDTH - full)}] {progress_line(function, counts)}"


def progress_html(function: str, counts: Counts) -> str:
    """The same as HTML. States are told by words; colour only repeats them."""
    line = markup(progress_line(function, counts))
    total = max(counts.total, 1)
    parts = [
        (counts.done, "#2e7d32"),
        (counts.failed, "#c62828"),
        (counts.cancelled, "#757575"),
        (counts.running, "#1976d2"),
    ]
    bars = "".join(
        f'<span style="display:inline-block;height:100%;width:{100 * number / total:.2f}%;'
        f'background:{colour}"></span>'
        for number, colour in parts
        if number
    )
    ends = "" if counts.settled < counts.total else f" – {_verdict(counts)}"
    return (
        f'<div role="progressbar" aria-valuemin="0" aria-valuemax="{counts.total}" '
        f'aria-valuenow="{counts.settled}" aria-valuetext="{line}" '
        'style="display:inline-block;vertical-align:middle;width:16em;height:.8em;'
        "border:1px solid #888;border-radius:3px;overflow:hidden;white-space:nowrap;"
        f'font-size:1em;line-height:0">{bars}</div> <code>{line}</code>{ends}'
    )


def _verdict(counts: Counts) -> str:
    if counts.failed:
        return "✗ some failed"
    return "■ cancelled" if counts.cancelled else "✓"
