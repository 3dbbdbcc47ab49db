"""``nbfaas pull NAME[:VERSION]``."""

from __future__ import annotations

import warnings

import click

from nbfaas.cli.deploy import show


@click.command("pull")
@click.argument("reference", metavar="NAME[:VERSION|@sha256:DIGEST]")
def command(reference: str) -> None:
    """Download a version from the registry of the settings, and check it.

    It must be what was pinned when it was pushed or pulled before.
    """
    from nbfaas.remote.distribution import RegistryNotice, pull

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegistryNotice)
        pulled = pull(reference, show)
    if pulled.notice:
        click.echo(pulled.notice, err=True)
    already = "" if pulled.changed else "  (was here already)"
    click.echo(f"{pulled.version}  {pulled.pin.reference}{already}")
