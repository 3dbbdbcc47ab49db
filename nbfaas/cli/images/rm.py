"""``nbfaas images rm NAME...``."""

from __future__ import annotations

import click


@click.command("rm")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--outdated", is_flag=True, help="Those with the agent of another version of nbfaas.")
def command(names: tuple[str, ...], outdated: bool) -> None:
    """Remove images.

    A runtime's name stands for all images of it, a reference for one.
    """
    if not names and not outdated:
        raise click.UsageError("Name what is to be removed, or give --outdated.")

    from nbfaas.images.connect import connected
    from nbfaas.settings import config

    with connected(config) as images:
        old = [image.reference for image in images.list() if outdated and not image.current]
        for name in (*names, *old):
            for reference in images.remove(name):
                click.echo(f"removed {reference}")
