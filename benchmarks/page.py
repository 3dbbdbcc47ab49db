"""docs/performance.md, from what was measured. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.alone.stages import BESIDE, STAGES
from benchmarks.report import Line, as_markdown, reasons, stage_table
from benchmarks.rounds import LOADS

_INTRO = """# Performance

`make bench` measures nbfaas beside its peers and writes this page (`ARGS=--publish`). Every peer \
runs the same calls, timed by the same code (`benchmarks/calls.py`), in a process of its own with \
two processes (nbfaas: two containers of one core) behind it; one follows the other, round after \
round, and the table has the medians. Figures move from machine to machine: look at the ratios. A \
row that misses its target says so, and why.
"""


def page(
    lines: list[Line],
    stages: Mapping[str, float],
    machine: Mapping[str, str],
    versions: Mapping[str, str],
    when: str,
    rounds: int,
) -> str:
    parts = [_INTRO, "![nbfaas beside its peers](performance.svg)\n", as_markdown(lines), ""]
    if missed := reasons(lines):
        parts += ["Missed:\n", *(f"- {each}" for each in missed), ""]
    parts += [_how(lines), _facts(machine, versions, when, rounds)]
    if stages:
        parts.append(_stages(stages))
    return "\n".join(parts)


def _how(lines: list[Line]) -> str:
    measured = {name for line in lines for name in line.others}
    slow = [
        f"{name}: {load.items:,} items of the map, {load.calls} calls, "
        f"{most} round{'s' if most > 1 else ''}"
        for name, (load, most) in LOADS.items()
        if most < 99 and name in measured
    ]
    text = (
        "The array's row compares whole seconds, the work included; its target is about what "
        "comes on top of the work. dask's array is scattered and ray's is put, as their manuals "
        "advise; both are timed. Each row of calls begins when the machine is calm, and those with "
        "arrays when free memory has been touched: a hypervisor that takes freed memory away gives "
        "it back at 3 s for 1 GB, twenty times what clearing it takes (`benchmarks/memory.py`).\n"
    )
    return text + (f"Slow peers are asked for less: {'; '.join(slow)}.\n" if slow else "")


def _facts(machine: Mapping[str, str], versions: Mapping[str, str], when: str, rounds: int) -> str:
    on = ", ".join(f"{name}: {value}" for name, value in machine.items())
    of = ", ".join(f"{name} {value}" for name, value in versions.items())
    return f"Measured {when} in {rounds} rounds. {on}.\n\nVersions: {of}.\n"


def _stages(stages: Mapping[str, float]) -> str:
    return "\n".join(
        [
            "## Where each microsecond of a warm call goes",
            "",
            f"A call takes {stages['plain'] * 1e6:.0f} µs; with the marks that were set for this "
            f"table {stages['whole'] * 1e6:.0f} µs. Medians of each stage, so their sum differs a "
            "little.",
            "",
            "| µs | stage |",
            "|---:|---|",
            stage_table(stages, STAGES),
            "",
            "Beside these, or within them:",
            "",
            "| µs | |",
            "|---:|---|",
            stage_table(stages, BESIDE),
            "",
        ]
    )
