"""The picture: a panel for each row, bars on a logarithmic scale. Plain SVG, light and dark."""

from __future__ import annotations

import math
from html import escape

from benchmarks.report import NAMES, Line
from benchmarks.targets import LIMIT, OURS, show

_WIDTH, _LABEL, _VALUE, _BAR, _GAP = 760, 190, 100, 16, 6
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 13px }
.note { fill: #57606a }
.grid { stroke: #d0d7de; stroke-width: 1 }
.ours { fill: #0969da } .other { fill: #8c959f } .limit { fill: #bf8700 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .note { fill: #9198a1 } .grid { stroke: #3d444d }
  .ours { fill: #4493f8 } .other { fill: #6e7681 } .limit { fill: #d29922 }
}
"""
# What is drawn beside nbfaas's own figure, in rows that have no peers.
_BESIDE = {"cold": {"docker_run": "docker run"}, "growth": {"raw": "raw docker starts"}}
_LIMIT_NAMES = {"warm": "bare socket", "array": "the sums alone", "results": "copying memory"}


def draw(lines: list[Line]) -> str:
    """The SVG of all rows that have something to be compared with."""
    y, parts = 8.0, []
    for line in lines:
        bars = _bars(line)
        if len(bars) > 1:
            drawn, y = _panel(line, bars, y)
            parts += drawn
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y:.0f}" role="img">'
        f"\n<title>nbfaas beside its peers</title>\n<style>{_STYLE}</style>\n{body}\n</svg>\n"
    )


def _bars(line: Line) -> list[tuple[str, str, float]]:
    """Class, label and value of each bar, the best first."""
    bars = [("ours", "nbfaas", line.value)]
    for name, value in line.others.items():
        kind = "limit" if name == LIMIT else "other"
        label = _LIMIT_NAMES[line.row.key] if name == LIMIT else NAMES.get(name, name)
        bars.append((kind, label, value))
    for name, label in _BESIDE.get(line.row.key, {}).items():
        value_or_none = line.measured.of(OURS, name)
        if value_or_none is not None:
            bars.append(("limit", label, value_or_none))
    return sorted(bars, key=lambda bar: bar[2], reverse=line.row.more_is_better)


def _panel(line: Line, bars: list[tuple[str, str, float]], y: float) -> tuple[list[str], float]:
    low = math.floor(math.log10(min(value for _, _, value in bars)) - 0.3)
    high = math.ceil(math.log10(max(value for _, _, value in bars)))
    scale = (_WIDTH - _LABEL - _VALUE) / max(1, high - low)
    better = "more is better" if line.row.more_is_better else "less is better"
    y += 16
    parts = [
        f'<text x="8" y="{y:.0f}" class="title">{escape(line.row.title)}'
        f'<tspan class="note" font-weight="400">  {better}</tspan></text>'
    ]
    y += 10
    bottom = y + len(bars) * (_BAR + _GAP)
    for power in range(low, high + 1):
        x = _LABEL + (power - low) * scale
        parts.append(f'<path class="grid" d="M{x:.1f} {y:.0f}V{bottom:.0f}"/>')
        parts.append(
            f'<text class="note" x="{x:.1f}" y="{bottom + 14:.0f}" text-anchor="middle">'
            f"{show(10.0**power, line.row.unit)}</text>"
        )
    for kind, label, value in bars:
        y += _GAP / 2
        length = max(2.0, (math.log10(value) - low) * scale)
        middle = y + _BAR - 4
        parts += [
            f'<text x="{_LABEL - 8}" y="{middle:.0f}" text-anchor="end">{escape(label)}</text>',
            f'<rect class="{kind}" x="{_LABEL}" y="{y:.0f}" width="{length:.1f}" '
            f'height="{_BAR}" rx="2"/>',
            f'<text x="{_LABEL + length + 6:.1f}" y="{middle:.0f}">'
            f"{show(value, line.row.unit)}</text>",
        ]
        y += _BAR + _GAP / 2
    return parts, bottom + 30
