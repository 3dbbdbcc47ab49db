"""``nbfaas images ls``."""

from __future__ import annotations

import click


@click.command("ls")
def command() -> None:
    """List the runtimes, and the images that were built for functions."""
    from nbfaas.images.connect import connected
    from nbfaas.images.listing import HEADINGS, rows
    from nbfaas.settings import config

    with connected(config) as images:
        table = [HEADINGS, *rows(images.list())]
    widths = [max(len(row[at]) for row in table) for at in range(len(HEADINGS))]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
