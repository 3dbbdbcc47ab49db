"""Still pictures: HTML and SVG that need neither a kernel nor JavaScript.

Everything given to these functions as text is escaped; what they return is markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nbfaas.pictures.text import markup

# Chosen for 3:1 at least on white and on JupyterLab's dark background.
COLOURS = {
    "done": "#2e9d48",
    "running": "#2f7de1",
    "queued": "#8a8a8a",
    "retrying": "#c77700",
    "failed": "#e0433c",
    "timed_out": "#b3509f",
    "cancelled": "#707070",
}
GLYPHS = {
    "done": "✓",
    "running": "▶",
    "queued": "·",
    "retrying": "↻",
    "failed": "✗",
    "timed_out": "⏱",
    "cancelled": "■",
}


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """A table; all cells are text."""
    head = "".join(
        f'<th scope="col" style="text-align:left">{markup(each)}</th>' for each in headings
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td style="text-align:left">{markup(cell)}</td>' for cell in row)
        + "</tr>"
        for row in rows
    )
    title = f'<caption style="text-align:left">{markup(caption)}</caption>' if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def bar(parts: Sequence[tuple[str, int]], label: str, width: int = 400, height: int = 12) -> str:
    """One bar in the colours of states: ``parts`` are names of ``COLOURS`` with their numbers.
    ``label`` says the same in words."""
    total = sum(number for _, number in parts) or 1
    drawn, left = [], 0.0
    for name, number in parts:
        size = width * number / total
        if number:
            drawn.append(
                f'<rect x="{left:.1f}" width="{size:.1f}" height="{height}" fill="{COLOURS[name]}">'
                f"<title>{markup(f'{number:,} {name}')}</title></rect>"
            )
        left += size
    return _svg(width, height, label, "".join(drawn))


def grid(states: Sequence[str], label: str, columns: int = 100, size: int = 6) -> str:
    """A square for each item, coloured by its state; equal neighbours share one rectangle."""
    drawn = []
    for top in range(0, len(states), columns):
        row = states[top : top + columns]
        begin = 0
        for end in range(1, len(row) + 1):
            if end == len(row) or row[end] != row[begin]:
                drawn.append(
                    f'<rect x="{begin * size}" y="{top // columns * size}" '
                    f'width="{(end - begin) * size - 1}" height="{size - 1}" '
                    f'fill="{COLOURS[row[begin]]}"/>'
                )
                begin = end
    rows = -(-len(states) // columns)
    return _svg(min(len(states), columns) * size, rows * size, label, "".join(drawn))


def frame(title: str, *parts: str) -> str:
    """Markup of ``parts`` below a title."""
    return (
        f'<div style="font-family:system-ui,sans-serif;font-size:13px">'
        f"<strong>{markup(title)}</strong>{''.join(f'<div>{part}</div>' for part in parts)}</div>"
    )


def page(title: str, body: str) -> str:
    """A document of its own around ``body``, which is markup. It loads nothing."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width">'
        f"<title>{markup(title)}</title><style>{_PAGE_STYLE}</style></head>"
        f"<body>{body}</body></html>\n"
    )


_PAGE_STYLE = (
    ":root{color-scheme:light dark}body{font:14px/1.45 system-ui,sans-serif;margin:2em auto;"
    "max-width:70em;padding:0 1em}table{border-collapse:collapse}th,td{padding:.2em .7em;"
    "border-bottom:1px solid #8886;vertical-align:top}pre{white-space:pre-wrap}"
)


def _svg(width: float, height: float, label: str, drawn: str) -> str:
    text = markup(label)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{text}" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f"<title>{text}</title>{drawn}</svg>"
    )
