"""``nbfaas versions NAME``."""

from __future__ import annotations

import click


@click.command("versions")
@click.argument("name")
@click.option("--source", metavar="VERSION", help="Show a version's source.")
@click.option("--manifest", metavar="VERSION", help="Show a version's manifest, as JSON.")
@click.option("--diff", nargs=2, metavar="VERSION VERSION", help="Show what differs between two.")
@click.option("--moves", is_flag=True, help="Show what became of the aliases.")
def command(
    name: str,
    source: str | None,
    manifest: str | None,
    diff: tuple[str, str] | None,
    moves: bool,
) -> None:
    """List a function's versions, or look into them.

    The list tells where each is, and since when.
    """
    from nbfaas.cli.tables import echo_table
    from nbfaas.remote.deploy import open_catalog
    from nbfaas.remote.deployments import (
        MOVE_HEADINGS,
        VERSION_HEADINGS,
        difference,
        move_rows,
        version_rows,
    )

    catalog = open_catalog()
    if source is not None:
        click.echo(catalog.version(name, source).manifest.source.rstrip())
    if manifest is not None:
        click.echo(catalog.version(name, manifest).manifest.to_json())
    if diff is not None:
        first, second = (catalog.version(name, each) for each in diff)
        click.echo(difference(first, second) or "They do not differ.")
    if moves:
        echo_table(MOVE_HEADINGS, move_rows(catalog.moves(name)), "No alias was set yet.")
    if source is None and manifest is None and diff is None and not moves:
        echo_table(VERSION_HEADINGS, version_rows(catalog, name), "")
