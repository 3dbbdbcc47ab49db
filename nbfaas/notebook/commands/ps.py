"""``%faas ps``."""

from __future__ import annotations

import argparse

from nbfaas.agent.units import format_bytes, format_seconds
from nbfaas.notebook.report import Report, Table
from nbfaas.notebook.up_to_date import ready_service
from nbfaas.service import SandboxRow

_HEADINGS = (
    *("SANDBOX", "STATE", "FUNCTION", "VERSION", "IMAGE"),
    *("RUNNING", "ANSWERED", "CPU", "MEMORY", "IDLE"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(given: argparse.Namespace) -> Report:
    service = ready_service()
    rows = [_row(each) for each in service.sandboxes()]
    return Report(Table(f"Sandboxes ({service.backend.name})", _HEADINGS, rows))


def _row(row: SandboxRow) -> tuple[str, ...]:
    return (
        row.id,
        row.state,
        row.function or "–",
        row.version or "–",
        row.image,
        str(row.in_flight),
        str(row.answered),
        f"{row.cpu:g}",
        format_bytes(row.memory),
        format_seconds(row.idle_seconds) if row.idle_seconds else "–",
    )
