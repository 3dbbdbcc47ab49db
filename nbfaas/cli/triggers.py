"""``nbfaas triggers``."""

from __future__ import annotations

import click

from nbfaas.cli.asking import server_options

_HEADINGS = ("TRIGGER", "KIND", "WAITS FOR", "FUNCTION", "STATE", "WAITING", "PROBLEM")


@click.command("triggers")
@click.argument("action", type=click.Choice(["list", "pause", "resume"]), default="list")
@click.argument("name", required=False)
@server_options
def command(action: str, name: str | None, server: str | None, token: str | None) -> None:
    """List the triggers of a running server, or pause or resume one."""
    from urllib.parse import quote

    from nbfaas.cli.tables import echo_table
    from nbfaas.client.asking import ServerClient

    if (action == "list") != (name is None):
        raise click.UsageError("pause and resume take the name of a trigger, list takes none")
    with ServerClient(server, token) as client:
        if name is not None:
            row = client.post(f"/admin/triggers/{quote(name, safe=':')}/{action}")
            click.echo(f"{row['name']} is {row['state']}")
            return
        found = client.get("/admin/triggers")["triggers"]
    rows = [
        (
            row["name"],
            row["kind"],
            row["shown"],
            row["target"],
            row["state"],
            str(row["waiting"]),
            row["problem"] or "",
        )
        for row in found
    ]
    echo_table(_HEADINGS, rows, "There are no triggers.")
