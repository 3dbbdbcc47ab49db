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
    "timed_out": "◔",
    "cancelled": "■",
}


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """A table; all cells are text. Without headings if all are empty."""
    head = "".join(f'<th scope="col" {_style(each)}>{markup(each)}</th>' for each in headings)
    head = f"<thead><tr>{head}</tr></thead>" if any(headings) else ""
    body = "".join(
        f"<tr>{''.join(f'<td {_style(cell)}>{markup(cell)}</td>' for cell in row)}</tr>"
        for row in rows
    )
    title = f'<caption style="text-align:left">{markup(caption)}</caption>' if caption else ""
    return f"<table>{title}{head}<tbody>{body}</tbody></table>"


def _style(cell: object) -> str:
    # Long words may be broken anywhere, which would make the other columns a letter wide.
    wrap = "white-space:nowrap" if len(str(cell)) <= _SHORT else "overflow-wrap:anywhere"
    return f'style="text-align:left;{wrap}"'


_SHORT = 24  # characters of a cell that stays in one line


def bar(parts: Sequence[tuple[str, int]], label: str, width: int = 600, height: int = 12) -> str:
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


def grid(states: Sequence[str], label: str, width: int = 600) -> str:
    """A square for each item, by its state in a colour and in a shape of its own."""
    if not states:
        return _svg(0, 0, label, "")
    size = next((size for size, most in _SIZES if len(states) <= most), _SIZES[-1][0])
    columns = width // size
    places: dict[str, list[str]] = {}
    for at, name in enumerate(states):
        shape = _SHAPES.get(name, _full)(size - 1 - size // 10)
        places.setdefault(name, []).append(f"M{at % columns * size} {at // columns * size}{shape}")
    drawn = "".join(
        f'<path fill="{COLOURS[name]}" fill-rule="evenodd" d="{"".join(each)}">'
        f"<title>{markup(name)}</title></path>"
        for name, each in places.items()
    )
    rows = -(-len(states) // columns)
    return _svg(min(len(states), columns) * size, rows * size, label, drawn)


_SIZES = ((14, 200), (10, 600), (6, 2000))  # pixels from square to square, up to how many of them


def _full(side: int) -> str:
    return f"h{side}v{side}h-{side}z"


def _hollow(side: int) -> str:
    return _framed(side, max(1, side // 5))


def _thick(side: int) -> str:
    return _framed(side, max(1, side // 3))


def _framed(side: int, line: int) -> str:
    return f"{_full(side)}m{line} {line}{_full(side - 2 * line)}"


def _dot(side: int) -> str:
    return _centred(side, max(2, side // 4))


def _half(side: int) -> str:
    return _centred(side, side - 2 * max(1, side // 4))


def _centred(side: int, size: int) -> str:
    return f"m{(side - size) / 2:g} {(side - size) / 2:g}{_full(size)}"


def _dash(side: int) -> str:
    third = max(1, side // 3)
    return f"m0 {third}h{side}v{third}h-{side}z"


def _crossed(side: int) -> str:
    """Full, with a diagonal left out."""
    cut = max(1, side // 4)
    rest = side - cut
    return f"{_full(side)}m0 0h{cut}l{rest} {rest}v{cut}h-{cut}l-{rest} -{rest}z"


_SHAPES = {
    "queued": _dot,
    "running": _hollow,
    "retrying": _half,
    "timed_out": _thick,
    "failed": _crossed,
    "cancelled": _dash,
}


def frame(title: str, *parts: str) -> str:
    """Markup of ``parts`` below a title."""
    return (
        f'<div style="font-family:system-ui,sans-serif;font-size:13px;overflow-wrap:anywhere">'
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
    "border-bottom:1px solid #8886;vertical-align:top}h1,h2,td,summary{overflow-wrap:anywhere}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere}"
)


def _svg(width: float, height: float, label: str, drawn: str) -> str:
    text = markup(label)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{text}" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'style="max-width:100%;height:auto">'
        f"<title>{text}</title>{drawn}</svg>"
    )
