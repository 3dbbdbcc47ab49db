"""``nbfaas invoke NAME``."""

from __future__ import annotations

import sys

import click

from nbfaas.cli.asking import read_data, server_options, shown


@click.command("invoke")
@click.argument("name", metavar="NAME[:ALIAS|:VERSION]")
@click.option("--data", default="null", help="JSON for the function; @FILE, or - for stdin.")
@click.option("--async", "keeps", is_flag=True, help="Don't wait; show the id of the call.")
@server_options
def command(name: str, data: str, keeps: bool, server: str | None, token: str | None) -> None:
    """Call a function of a running server, and show its result.

    An object's members go to the parameters of these names.
    """
    from nbfaas.client.asking import ServerClient

    body = read_data(data)
    with ServerClient(server, token) as client:
        if keeps:
            click.echo(client.start(name, body))
            return
        result = client.call(name, body)
    if isinstance(result, bytes):
        sys.stdout.buffer.write(result)
    else:
        click.echo(shown(result))
