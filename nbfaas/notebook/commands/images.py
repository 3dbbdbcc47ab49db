"""``%faas images``."""

from __future__ import annotations

import argparse
import time

from nbfaas.agent.units import format_bytes, format_seconds
from nbfaas.images.built import ImageInfo
from nbfaas.images.runtimes import runtimes
from nbfaas.notebook.report import Report, Table
from nbfaas.settings import config

_HEADINGS = ("RUNTIME", "PYTHON", "PACKAGES", "SIZE", "AGE", "REFERENCE", "")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(given: argparse.Namespace) -> Report:
    from nbfaas.images.connect import connected

    with connected(config) as images:
        found = images.list()
    rows = [_row(image) for image in found]
    built = {image.runtime for image in found}
    rows += [(name, "", "", "", "", "", "not built") for name in runtimes() if name not in built]
    return Report(Table("Images", _HEADINGS, rows))


def _row(image: ImageInfo) -> tuple[str, ...]:
    return (
        image.runtime,
        image.python,
        str(image.packages),
        format_bytes(image.size),
        format_seconds(max(1.0, time.time() - image.created)),
        image.reference,
        "" if image.current else "has the agent of another version",
    )
