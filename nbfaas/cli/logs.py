"""``nbfaas logs FUNCTION|ID``."""

from __future__ import annotations

import click

from nbfaas.cli.asking import server_options


@click.command("logs")
@click.argument("what", metavar="FUNCTION|ID")
@click.option("-n", "count", type=click.IntRange(1, 1000), default=200, help="The last N lines.")
@server_options
def command(what: str, count: int, server: str | None, token: str | None) -> None:
    """Show what a function has written: in its latest invocation, or in the one with this id."""
    from nbfaas.client.asking import ServerClient
    from nbfaas.errors.serve import ServerRefused

    with ServerClient(server, token) as client:
        try:
            found = client.get("/admin/logs", function=what, n=count)
        except ServerRefused as refused:
            if refused.status != 404:
                raise
            found = client.get("/admin/logs", id=what, n=count)
    click.echo(f"{found['id']} {found['function']} {found['state']}", err=True)
    for line in found["lines"]:
        click.echo(line)
    if found["error"]:
        click.echo(found["error"], err=True)
