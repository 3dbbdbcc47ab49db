"""``nbfaas ps``."""

from __future__ import annotations

import click

from nbfaas.cli.asking import server_options

_HEADINGS = ("SANDBOX", "STATE", "FUNCTION", "VERSION", "RUNNING", "ANSWERED", "CPU", "MEMORY")


@click.command("ps")
@server_options
def command(server: str | None, token: str | None) -> None:
    """List the sandboxes of a running server."""
    from nbfaas.agent.units import format_bytes
    from nbfaas.cli.tables import echo_table
    from nbfaas.client.asking import ServerClient

    with ServerClient(server, token) as client:
        found = client.get("/admin/ps")
    rows = [
        (
            row["id"],
            row["state"],
            row["function"] or "-",
            row["version"] or "-",
            str(row["in_flight"]),
            str(row["answered"]),
            f"{row['cpu']:g}",
            format_bytes(row["memory"]),
        )
        for row in found["sandboxes"]
    ]
    echo_table(_HEADINGS, rows, f"There are no sandboxes ({found['backend']}).")
