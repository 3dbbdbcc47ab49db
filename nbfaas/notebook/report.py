"""What ``%faas`` shows: text and tables, plain in a terminal, HTML in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbfaas.notebook.text import markup, plain


class Table:
    """Rows under headings. All cells are text; none of it is trusted."""

    def __init__(
        self,
        title: str,
        headings: Sequence[str],
        rows: Sequence[Sequence[str]],
        empty: str = "none",
    ) -> None:
        self.title = plain(title)
        self.headings = tuple(headings)
        self.rows = [tuple(plain(cell).replace("\n", " ") for cell in row) for row in rows]
        self.empty = empty

    def __str__(self) -> str:
        if not self.rows:
            return f"{self.title}: {self.empty}"
        widths = [max(map(len, column)) for column in zip(self.headings, *self.rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (self.headings, *self.rows)
        ]
        return "\n".join([f"{self.title}:", *(f"  {line}" for line in lines)])

    def html(self) -> str:
        if not self.rows:
            return f"<p>{markup(self.title)}: {markup(self.empty)}</p>"
        head = "".join(f'<th scope="col" {_LEFT}>{markup(each)}</th>' for each in self.headings)
        rows = "".join(
            f"<tr>{''.join(f'<td {_LEFT}>{markup(cell)}</td>' for cell in row)}</tr>"
            for row in self.rows
        )
        return (
            f"<table><caption {_LEFT}>{markup(self.title)}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )


_LEFT = 'style="text-align:left"'


class Report:
    """Texts and tables, one below the other."""

    def __init__(self, *parts: str | Table) -> None:
        self.parts = parts

    def __repr__(self) -> str:
        return "\n\n".join(
            plain(part) if isinstance(part, str) else str(part) for part in self.parts
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def _repr_html_(self) -> str:
        return "".join(
            f"<pre>{markup(part)}</pre>" if isinstance(part, str) else part.html()
            for part in self.parts
        )
