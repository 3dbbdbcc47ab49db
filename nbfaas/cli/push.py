"""``nbfaas push NAME[:VERSION|:ALIAS]``."""

from __future__ import annotations

import click

from nbfaas.cli.deploy import show


@click.command("push")
@click.argument("reference", metavar="NAME[:VERSION|:ALIAS]")
def command(reference: str) -> None:
    """Upload a version to the registry of the settings (NBFAAS_REGISTRY=host:port/prefix)."""
    from nbfaas.remote.distribution import push

    pushed = push(reference, show)
    already = "" if pushed.changed else "  (was there already)"
    click.echo(f"{pushed.version}  {pushed.pin.reference}{already}")
