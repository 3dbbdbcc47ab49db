"""``nbfaas export NAME FOLDER``."""

from __future__ import annotations

from pathlib import Path

import click

from nbfaas.cli.deploy import show


@click.command("export")
@click.argument("reference", metavar="NAME[:VERSION|:ALIAS]")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--events",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Also the N latest events that were delivered to it: real data.",
)
@click.option(
    "--event", "names", multiple=True, metavar="NAME",
    help="This saved event, and not those that its triggers take; repeatable.",
)  # fmt: skip
def command(reference: str, folder: Path, events: int, names: tuple[str, ...]) -> None:
    """Write a deployed version to a folder that is tested and deployed without a notebook.

    Files that no export has written are never overwritten. The same version and events give the
    same bytes.
    """
    from nbfaas.pipeline.exporting import export

    click.echo(str(export(reference, folder, events=events, names=names, show=show)))
