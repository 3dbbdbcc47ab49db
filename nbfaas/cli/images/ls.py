"""``nbfaas images ls``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from nbfaas.agent.units import format_bytes, format_seconds

if TYPE_CHECKING:
    from nbfaas.images.built import ImageInfo

_HEADINGS = ("RUNTIME", "PYTHON", "PACKAGES", "SIZE", "AGE", "REFERENCE", "")


@click.command("ls")
def command() -> None:
    """List the runtimes, and the images that were built for functions."""
    from nbfaas.images.connect import connected
    from nbfaas.images.runtimes import runtimes
    from nbfaas.settings import config

    with connected(config) as images:
        found = images.list()
    rows = [_row(image) for image in found]
    built = {image.runtime for image in found}
    rows += [(name, "", "", "", "", "", "not built") for name in runtimes() if name not in built]
    widths = [max(len(row[at]) for row in (_HEADINGS, *rows)) for at in range(len(_HEADINGS))]
    for row in (_HEADINGS, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


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
