"""Still pictures of a run and of a call: what is seen of them without a kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbfaas.agent.units import format_bytes, format_seconds
from nbfaas.model.invocation import AttemptStats
from nbfaas.pictures.drawing import COLOURS, GLYPHS, bar, grid, table
from nbfaas.pictures.states import NAMES, name_of, squares, tally
from nbfaas.pictures.text import markup
from nbfaas.remote.details import error_line

if TYPE_CHECKING:
    from nbfaas.remote.call import FunctionCall
    from nbfaas.remote.map_run import MapRun

_SQUARES = 2000
_FAILURES = 5
_ORDER = ("done", "failed", "timed_out", "cancelled", "running", "retrying", "queued")


def run_picture(run: MapRun[Any]) -> list[str]:
    """Markup: the counts, the bar, the items, and the first that failed."""
    states = run.states
    counts = tally(states)
    said = ", ".join(f"{counts[name]:,} {word(name)}" for name in _ORDER if counts[name])
    said = f"{len(states):,} items: {said}" if states else "no items"
    parts = [legend(counts, run.counts.elapsed, run.done)]
    if states:
        shown, each = squares(states, _SQUARES)
        parts.append(bar([(name, counts[name]) for name in _ORDER], said))
        parts.append(grid(shown, said))
        if each > 1:
            parts.append(f"<small>each square stands for {each} items</small>")
    if failures := first_failures(run, states):
        parts.append(failures)
    return parts


def legend(counts: dict[str, int], elapsed: float, done: bool) -> str:
    """The counts with the glyphs and colours of their states; markup."""
    shown = [_state(name, f"{counts[name]:,} {word(name)}") for name in _ORDER if counts[name]]
    shown.append(markup(f"{'took' if done else 'for'} {format_seconds(elapsed)}"))
    return " &nbsp; ".join(shown)


def first_failures(run: MapRun[Any], states: bytes) -> str:
    """A table of the first items that failed, or nothing."""
    ends = {NAMES.index("failed"), NAMES.index("timed_out")}
    failed = [index for index, code in enumerate(states) if code in ends]
    rows = []
    for index in failed[:_FAILURES]:
        error = run.error_of(index)
        rows.append((index, "" if error is None else error_line(error, 300)))
    more = f", the first {_FAILURES} of {len(failed):,}" if len(failed) > _FAILURES else ""
    return table(("Item", "Error"), rows, f"What failed{more}") if rows else ""


def call_picture(call: FunctionCall[Any]) -> list[str]:
    """Markup: the state, its input and result or error, attempts, the end of the log."""
    details = call.details()
    parts = [_state(name_of(details.state), word(name_of(details.state))) + f" {markup(call.id)}"]
    rows = [("Input", details.input)]
    if details.result:
        rows.append(("Result", details.result))
    if details.error:
        rows.append(("Error", details.error))
    parts.append(table(("", ""), rows))
    parts += [markup(attempt_line(stats)) for stats in details.attempts]
    for title, text in (("Log", details.log[-2000:]), ("Traceback", details.traceback[-4000:])):
        if text:
            parts.append(f"{title}:<pre>{markup(text)}</pre>")
    return parts


def attempt_line(stats: AttemptStats) -> str:
    """``attempt 1 ✓ done: waited 3 ms (cold start), transfer 2 ms, ran 1.2 s, peak 54 MB``."""
    name = name_of(stats.state)
    cold = " (cold start)" if stats.cold_start else ""
    text = (
        f"attempt {stats.attempt} {GLYPHS[name]} {word(name)}: waited "
        f"{format_seconds(stats.queued)}{cold}, transfer {format_seconds(stats.overhead)}, "
        f"ran {format_seconds(stats.wall)}"
    )
    if stats.peak_memory:  # not known of a sandbox that was killed
        text += f", peak {format_bytes(stats.peak_memory)}"
    return f"{text}, {stats.error}" if stats.error else text


def word(name: str) -> str:
    """The name of a state as it is read."""
    return name.replace("_", " ")


def _state(name: str, text: str) -> str:
    return f'<span style="color:{COLOURS[name]}">{GLYPHS[name]}</span> {markup(text)}'
