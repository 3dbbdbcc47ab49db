"""``nbfaas rollback NAME ALIAS``."""

from __future__ import annotations

import click


@click.command("rollback")
@click.argument("name")
@click.argument("alias")
def command(name: str, alias: str) -> None:
    """Lead an alias to where it led before it was last set."""
    from nbfaas.remote.deploy import open_catalog

    click.echo(str(open_catalog().rollback(name, alias)))
