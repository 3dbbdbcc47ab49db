"""``%faas doctor``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

from nbfaas.notebook import checks
from nbfaas.notebook.checks import Finding
from nbfaas.notebook.report import Report, Table
from nbfaas.service import current_service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(given: argparse.Namespace) -> Report:
    rows = [
        (
            "✓ ok" if finding.ok else "✗ not ok",
            name,
            finding.detail,
            "" if finding.ok else finding.fix,
        )
        for name, finding in _findings()
    ]
    bad = sum(1 for row in rows if row[0].startswith("✗"))
    verdict = "All is well." if not bad else f"{bad} of {len(rows)} checks failed."
    return Report(Table("Checks", ("", "WHAT", "FOUND", "FIX"), rows), verdict)


def _findings() -> Iterator[tuple[str, Finding]]:
    place = current_service()
    here = place is None or place.server is None
    for name, check in (checks.ALL if here else checks.ON_SERVER).items():
        yield name, _carefully(check)


def _carefully(check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - a failing check is a finding, whatever it is
        text = str(error).strip() or type(error).__name__
        return Finding(False, text.partition("\n")[0])
