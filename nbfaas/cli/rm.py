"""``nbfaas rm NAME[:VERSION|:ALIAS]...``."""

from __future__ import annotations

import click


@click.command("rm")
@click.argument("references", nargs=-1, required=True, metavar="NAME[:VERSION|:ALIAS]...")
def command(references: tuple[str, ...]) -> None:
    """Remove aliases, versions, or all versions of a function, from this machine.

    A version that an alias leads to is not removed. Registries keep what they have, and so do other
    data folders of this machine.
    """
    from nbfaas.remote.deployments import remove

    for reference in references:
        for gone in remove(reference):
            click.echo(f"removed {gone}")
