"""The dashboard without a kernel: HTML and SVG, or plain text."""

from __future__ import annotations

import math
import time
from typing import Any

from nbfaas.agent.units import format_bytes, format_seconds
from nbfaas.notebook.text import markup
from nbfaas.notebook.widgets import snapshot
from nbfaas.notebook.widgets.dashboard import rows
from nbfaas.notebook.widgets.dashboard.spans import OK, Span
from nbfaas.notebook.widgets.dashboard.watch import Watch

_SPANS = 300
_TRACKS = 20
_LINES = 20
_WIDTH, _LABELS, _TRACK = 720, 160, 18
# Told apart on light and on dark ground; functions have their names beside them as well.
HUES = ("#4c8dd6", "#d98032", "#3fa66b", "#b565b8", "#a68b1f", "#d05a6e", "#2f9fa8", "#8a7fd0")

_FUNCTIONS = (
    *("Function", "Version", "Triggers", "Calls/s", "Waiting", "Running", "Succeeded"),
    *("Errors", "p50", "p95"),
)
_SANDBOXES = ("Sandbox", "State", "Function", "Answered", "CPU", "Memory held", "Limit")
_LETTERS = ("N", "Trigger", "Type", "Event", "Attempts", "Reason", "Last error")


def text(watch: Watch, now: float) -> str:
    """One line, and one for each function. ``now`` is monotonic."""
    found = rows.summary(watch, now)
    lines = [
        f"nbfaas dashboard: {_number(found['total'], 'call')} ({found['errors']:,} failed), "
        f"{found['waiting']:,} waiting, {found['running']:,} running, "
        f"{_number(found['sandboxes'], 'sandbox', 'es')}, {_number(found['dead'], 'dead letter')}"
    ]
    for each in rows.function_rows(watch.activity, watch.facts, now):
        lines.append(
            f"  {each['name']}: {each['succeeded']:,} succeeded, {each['errors']:,} failed, "
            f"p50 {_took(each['p50'])}, p95 {_took(each['p95'])}"
        )
    return "\n".join(lines)


def html(watch: Watch, now: float) -> str:
    """``now`` is monotonic."""
    head, *_ = text(watch, now).splitlines()
    functions = rows.function_rows(watch.activity, watch.facts, now)
    pool = rows.pool_rows(watch.activity, watch.facts, rows.CpuUse(), now)
    parts = [
        markup(head.removeprefix("nbfaas dashboard: ")),
        snapshot.table(_FUNCTIONS, map(_function, functions), "Functions")
        if functions
        else markup("No functions yet: decorate one with @remote."),
        _calls_over_time(watch),
        _timeline(watch),
    ]
    if pool.get("rows"):
        parts.append(snapshot.table(_SANDBOXES, map(_sandbox, pool["rows"]), "Sandboxes"))
    if watch.facts.letters:
        letters = map(_letter, map(rows.letter_row, watch.facts.letters[:_LINES]))
        parts.append(snapshot.table(_LETTERS, letters, "Dead letters"))
    lines = watch.activity.log.since(0, _LINES)
    if lines:
        written = "\n".join(f"{_clock(each['at'])} {each['function']}: {each['text']}"
                            for each in lines)  # fmt: skip
        parts.append(f"<pre>{markup(written)}</pre>")
    title = f"nbfaas dashboard, as of {time.strftime('%Y-%m-%d %H:%M:%S')}"
    return snapshot.frame(title, *[part for part in parts if part])


def _function(each: dict[str, Any]) -> tuple[object, ...]:
    triggers = ", ".join(f"{trigger['name']} ({trigger['state']})" for trigger in each["triggers"])
    version = each["versions"][-1] if each["versions"] else "–"
    return (each["name"], version, triggers or "–", each["rate"], each["waiting"], each["running"],
            each["succeeded"], each["errors"], _took(each["p50"]), _took(each["p95"]))  # fmt: skip


def _sandbox(each: dict[str, Any]) -> tuple[object, ...]:
    held = format_bytes(each["held"]) if each["held"] else "–"
    return (each["id"], each["state"], each["function"] or "–", each["answered"],
            f"{each['cpu']:g}", held, format_bytes(each["memory"]))  # fmt: skip


def _letter(each: dict[str, Any]) -> tuple[object, ...]:
    return (each["number"], each["trigger"], each["type"], each["event"], each["attempts"],
            each["reason"], each["error"])  # fmt: skip


def _calls_over_time(watch: Watch) -> str:
    times, calls = watch.series.column("at"), watch.series.column("calls")
    most = max(calls, default=0.0)
    if len(calls) < 2 or not most:
        return ""
    length = max(times[-1] - times[0], 1e-6)
    points = " ".join(
        f"{_WIDTH * (at - times[0]) / length:.1f},{48 - 44 * each / most:.1f}"
        for at, each in zip(times, calls, strict=True)
    )
    drawn = f'<polyline points="{points}" fill="none" stroke="{HUES[0]}" stroke-width="1.5"/>'
    label = f"Calls a second, over {format_seconds(length)}: {most:,.0f} at most"
    return f"{markup(label)}<br>{_svg(_WIDTH, 50, label, drawn)}"


def _timeline(watch: Watch) -> str:
    spans = watch.activity.spans.latest(_SPANS)
    if not spans:
        return ""
    tracks = {track.number: track for track in watch.activity.tracks.values()}
    shown = sorted({span.track for span in spans if span.track in tracks})[-_TRACKS:]
    begin = min(span.begin for span in spans)
    length = max(max(span.begin + span.length for span in spans) - begin, 1e-6)
    names = sorted(watch.activity.functions)
    drawn = []
    for row, number in enumerate(shown):
        track, top = tracks[number], row * _TRACK
        label = f"{track.sandbox[:8]} {track.function}"
        drawn.append(
            f'<text x="0" y="{top + 13}" font-size="11" fill="currentColor">'
            f"{markup(label[:22])}<title>{markup(label)}</title></text>"
        )
        hue = HUES[(names.index(track.function) if track.function in names else 0) % len(HUES)]
        for span in spans:
            if span.track == number:
                left = _LABELS + (_WIDTH - _LABELS) * (span.begin - begin) / length
                size = max(1.0, (_WIDTH - _LABELS) * span.length / length)
                drawn.append(_bar(span, left, top, size, hue, track.function))
    label = f"The last {len(spans)} invocations by sandbox, over {format_seconds(length)}"
    return f"{markup(label)}<br>{_svg(_WIDTH, len(shown) * _TRACK, label, ''.join(drawn))}"


def _bar(span: Span, left: float, top: int, size: float, hue: str, function: str) -> str:
    said = f"{function}, {span.invocation}: {format_seconds(span.length)}"
    said += ", cold start" if span.cold else ""
    said += ", failed" if span.state != OK else ""
    edge = cross = ""
    if span.state != OK:
        edge = f' stroke="{snapshot.COLOURS["failed"]}" stroke-width="2"'
        cross = f'<text x="{left + 2:.1f}" y="{top + 13}" font-size="11" fill="#fff">✗</text>'
    elif span.cold:
        edge = ' stroke="currentColor" stroke-dasharray="2 2"'
    return (
        f'<rect x="{left:.1f}" y="{top + 2}" width="{size:.1f}" height="{_TRACK - 4}" '
        f'fill="{hue}"{edge}><title>{markup(said)}</title></rect>'
        f"{cross if size > 12 else ''}"
    )


def _svg(width: int, height: int, label: str, drawn: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{markup(label)}" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">{drawn}</svg>'
    )


def _number(count: int, noun: str, plural: str = "s") -> str:
    return f"{count:,} {noun}{'' if count == 1 else plural}"


def _took(seconds: float | None) -> str:
    return "–" if seconds is None or math.isnan(seconds) else format_seconds(seconds)


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
