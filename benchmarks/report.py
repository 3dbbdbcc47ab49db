"""Turns what was measured into one table, for the terminal and for the page. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.targets import LIMIT, OURS, Measured, Row, digits, show

NAMES = {
    "processes": "ProcessPoolExecutor",
    "dask": "dask.distributed",
    LIMIT: "limit",
}
LIMITS = {
    "warm": "a bare blocking socket into a container",
    "array": "the sums alone",
    "results": "copying memory",
}
HEAD = ("work", "nbfaas", "target", "", "others (how many times as good nbfaas is)")


# Of figures that are shown beside a headline in another unit.
_UNITS = {
    "call_beside": "s",
    "cancel_seconds": "s",
    **dict.fromkeys(("emit", "emit_threads", "http", "raw_commit"), "/s"),
}


@dataclass(frozen=True)
class Line:
    """A row with its figures; ``met`` None: something that a target needs was not measured."""

    row: Row
    measured: Measured
    note: str = ""

    @property
    def value(self) -> float:
        if self.row.key == "first":
            return self.measured.p95(self.row.headline)
        return self.measured.ours(self.row.headline)

    @property
    def met(self) -> bool | None:
        verdicts = [check.met for check in self.row.checks(self.measured)]
        if False in verdicts:
            return False
        return None if None in verdicts else True

    @property
    def others(self) -> dict[str, float]:
        """The headline figure of everybody else, best first."""
        found = {}
        for name in self.measured.rounds:
            value = self.measured.of(name, self.row.headline)
            if name != OURS and value is not None:
                found[name] = value
        return dict(
            sorted(found.items(), key=lambda pair: pair[1], reverse=self.row.more_is_better)
        )

    def times(self, other: float) -> float:
        """How many times as good as ``other`` nbfaas is."""
        return self.value / other if self.row.more_is_better else other / self.value

    def cells(self) -> tuple[str, ...]:
        checks = "; ".join(map(str, self.row.checks(self.measured)))
        met = {True: "met", False: "MISSED", None: "open"}[self.met]
        parts = []
        for name, value in self.others.items():
            shown = f"{NAMES.get(name, name)} {show(value, self.row.unit)}"
            if name == LIMIT:
                parts.append(f"{shown} ({LIMITS[self.row.key]})")
            else:
                parts.append(f"{shown} ({digits(self.times(value))} ×)")
        for name, what in (self.row.beside or {}).items():
            value = self.measured.of(OURS, name) or self.measured.of(LIMIT, name)
            if value is None:
                continue
            unit = "%" if "cpu" in name else _UNITS.get(name, self.row.unit)
            unit = "s" if name.endswith(("_p50", "_p99")) else unit
            parts.append(f"{what} {show(value, unit)}")
        if self.note:
            parts.append(self.note)
        return (self.row.title, show(self.value, self.row.unit), checks, met, "; ".join(parts))


def reasons(lines: list[Line]) -> list[str]:
    """Why the rows that miss a target do, where that is known."""
    return [
        f"{line.row.title}: {line.row.reason}"
        for line in lines
        if line.met is False and line.row.reason
    ]


def as_text(lines: list[Line]) -> str:
    table = [HEAD, *(line.cells() for line in lines)]
    widths = [max(len(cells[at]) for cells in table) for at in range(len(HEAD) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(cells, widths, strict=False)),
                   cells[-1]]).rstrip()
        for cells in table
    )  # fmt: skip


def as_markdown(lines: list[Line]) -> str:
    table = [HEAD, ("---",) * len(HEAD), *(line.cells() for line in lines)]
    return "\n".join(f"| {' | '.join(cells).replace('MISSED', '**missed**')} |" for cells in table)


def stage_table(figures: Mapping[str, float], stages: Mapping[str, str]) -> str:
    rows = [(f"{figures[key] * 1e6:.1f}", text) for key, text in stages.items()]
    return "\n".join(f"| {value} | {text} |" for value, text in rows)
