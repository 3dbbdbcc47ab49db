"""``nbfaas images rm NAME...``."""

from __future__ import annotations

import click


@click.command("rm")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def command(names: tuple[str, ...]) -> None:
    """Remove images: all those of a runtime by its name, or one by its reference."""
    from nbfaas.images.connect import connected
    from nbfaas.settings import config

    with connected(config) as images:
        for name in names:
            for reference in images.remove(name):
                click.echo(f"removed {reference}")
