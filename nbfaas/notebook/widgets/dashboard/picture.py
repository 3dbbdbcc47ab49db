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
_LANES = 20
_LINES = 20
_WIDTH, _LABELS, _LANE = 720, 160, 18
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
        f"nbfaas dashboard: {found['total']:,} calls ({found['errors']:,} failed), "
        f"{found['waiting']:,} waiting, {found['running']:,} running, "
        f"{found['sandboxes']:,} sandboxes, {found['dead']:,} dead letters"
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
    calls = watch.series.column("calls")
    most = max(calls, default=0.0)
    if len(calls) < 2 or not most:
        return ""
    step = _WIDTH / (len(calls) - 1)
    points = " ".join(f"{i * step:.1f},{48 - 44 * each / most:.1f}" for i, each in enumerate(calls))
    drawn = f'<polyline points="{points}" fill="none" stroke="{HUES[0]}" stroke-width="1.5"/>'
    label = f"Calls a second, the last {len(calls)} s: {most:,.0f} at most"
    return f"{markup(label)}<br>{_svg(_WIDTH, 50, label, drawn)}"


def _timeline(watch: Watch) -> str:
    spans = watch.activity.spans.latest(_SPANS)
    if not spans:
        return ""
    lanes = {lane.number: lane for lane in watch.activity.lanes.values()}
    shown = sorted({span.lane for span in spans if span.lane in lanes})[-_LANES:]
    begin = min(span.begin for span in spans)
    length = max(max(span.begin + span.length for span in spans) - begin, 1e-6)
    names = sorted(watch.activity.functions)
    drawn = []
    for row, number in enumerate(shown):
        lane, top = lanes[number], row * _LANE
        label = f"{lane.sandbox[:8]} {lane.function}"
        drawn.append(
            f'<text x="0" y="{top + 13}" font-size="11" fill="currentColor">'
            f"{markup(label[:26])}<title>{markup(label)}</title></text>"
        )
        hue = HUES[(names.index(lane.function) if lane.function in names else 0) % len(HUES)]
        for span in spans:
            if span.lane == number:
                left = _LABELS + (_WIDTH - _LABELS) * (span.begin - begin) / length
                size = max(1.0, (_WIDTH - _LABELS) * span.length / length)
                drawn.append(_bar(span, left, top, size, hue, lane.function))
    label = f"The last {len(spans)} invocations by sandbox, over {format_seconds(length)}"
    return f"{markup(label)}<br>{_svg(_WIDTH, len(shown) * _LANE, label, ''.join(drawn))}"


def _bar(span: Span, left: float, top: int, size: float, hue: str, function: str) -> str:
    said = f"{function}, {span.invocation}: {format_seconds(span.length)}"
    said += ", cold start" if span.cold else ""
    said += ", failed" if span.state != OK else ""
    edge = ""
    if span.state != OK:
        edge = f' stroke="{snapshot.COLOURS["failed"]}" stroke-width="2"'
    elif span.cold:
        edge = ' stroke="currentColor" stroke-dasharray="2 2"'
    return (
        f'<rect x="{left:.1f}" y="{top + 2}" width="{size:.1f}" height="{_LANE - 4}" '
        f'fill="{hue}"{edge}><title>{markup(said)}</title></rect>'
    )


def _svg(width: int, height: int, label: str, drawn: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{markup(label)}" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">{drawn}</svg>'
    )


def _took(seconds: float | None) -> str:
    return "–" if seconds is None or math.isnan(seconds) else format_seconds(seconds)


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
