"""``nbfaas alias NAME ALIAS VERSION``."""

from __future__ import annotations

import click


@click.command("alias")
@click.argument("name")
@click.argument("alias")
@click.argument("version")
@click.option("--canary", metavar="VERSION", help="A second version, which gets a share.")
@click.option("--percent", type=click.FloatRange(0, 100), help="The share of the second version.")
def command(name: str, alias: str, version: str, canary: str | None, percent: float | None) -> None:
    """Lead an alias to a version: nbfaas alias thumb prod v3.

    With --canary v4 --percent 10, v4 gets a tenth of the requests.
    """
    from nbfaas.remote.deploy import open_catalog

    if (canary is None) != (percent is None):
        raise click.UsageError("--canary VERSION and --percent SHARE go together")
    weight = None if percent is None else percent / 100
    click.echo(str(open_catalog().set_alias(name, alias, version, canary, weight)))
