"""Durations as a histogram."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nbfaas.agent.units import format_seconds
from nbfaas.pictures.drawing import COLOURS
from nbfaas.pictures.text import markup

_WIDTH, _HEIGHT, _BELOW = 600, 120, 18
_BINS = 40


def histogram(durations: Sequence[float]) -> str:
    """Seconds, by how often; logarithmic where they differ by more than fifty times. Markup."""
    least = max(min(durations), 1e-6)
    most = max(max(durations), least)
    logarithmic = most > 50 * least
    counts = [0] * _BINS
    for value in durations:
        counts[_bin(max(value, least), least, most, logarithmic)] += 1
    step, highest = _WIDTH / _BINS, max(counts)
    drawn = "".join(
        f'<rect x="{place * step:.1f}" y="{_HEIGHT - _size(count, highest):.1f}" '
        f'width="{step - 1:.1f}" height="{_size(count, highest):.1f}" fill="{COLOURS["running"]}">'
        f"<title>{markup(f'{count:,}')}</title></rect>"
        for place, count in enumerate(counts)
        if count
    )
    scale = ", logarithmic" if logarithmic else ""
    label = f"How long attempts ran: {format_seconds(least)} to {format_seconds(most)}{scale}"
    text = f'y="{_HEIGHT + 14}" font-size="12" fill="currentColor"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{markup(label)}" '
        f'width="{_WIDTH}" height="{_HEIGHT + _BELOW}" viewBox="0 0 {_WIDTH} {_HEIGHT + _BELOW}">'
        f"<title>{markup(label)}</title>{drawn}"
        f'<path d="M0 {_HEIGHT + 0.5}H{_WIDTH}" stroke="currentColor" stroke-opacity=".4"/>'
        f'<text x="0" {text}>{markup(format_seconds(least))}</text>'
        f'<text x="{_WIDTH}" text-anchor="end" {text}>{markup(format_seconds(most) + scale)}</text>'
        "</svg>"
    )


def _size(count: int, highest: int) -> float:
    return max(2.0, _HEIGHT * count / highest)


def _bin(value: float, least: float, most: float, logarithmic: bool) -> int:
    if most == least:
        return 0
    if logarithmic:
        share = math.log(value / least) / math.log(most / least)
    else:
        share = (value - least) / (most - least)
    return min(_BINS - 1, int(share * _BINS))
