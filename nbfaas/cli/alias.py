"""``nbfaas alias NAME ALIAS VERSION``."""

from __future__ import annotations

import click


@click.command("alias")
@click.argument("name")
@click.argument("alias")
@click.argument("version", required=False)
@click.option("--canary", metavar="VERSION", help="A second version, which gets a share.")
@click.option("--percent", type=click.FloatRange(0, 100), help="The share of the second version.")
def command(
    name: str, alias: str, version: str | None, canary: str | None, percent: float | None
) -> None:
    """Lead an alias to a version: nbfaas alias thumb prod v3.

    With --canary v4 --percent 10, v4 gets a tenth of the requests; without VERSION, the others go
    where they go already.
    """
    if (canary is None) != (percent is None):
        raise click.UsageError("--canary VERSION and --percent SHARE go together")
    from nbfaas.errors import UnknownVersion
    from nbfaas.remote.deploy import open_catalog

    if version is None and canary is None:
        raise click.UsageError("give the VERSION that it shall lead to, or a --canary")
    weight = None if percent is None else percent / 100
    try:
        click.echo(str(open_catalog().set_alias(name, alias, version, canary, weight)))
    except UnknownVersion as unknown:
        if version is not None or unknown.reference != alias:
            raise
        whole = f"nbfaas alias {name} {alias} VERSION --canary {canary} --percent {percent:g}"
        raise click.ClickException(
            f"{unknown}. A new alias needs the VERSION that the other requests go to: {whole}"
        ) from None
