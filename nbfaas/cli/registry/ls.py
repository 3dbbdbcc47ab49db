"""``nbfaas registry ls [NAME]``."""

from __future__ import annotations

import click


@click.command("ls")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the versions that the registry has, of all functions or of one."""
    from nbfaas.cli.tables import echo_table
    from nbfaas.remote.registry import list_registry

    rows = [
        (entry.name, entry.version, entry.digest, ", ".join(entry.aliases))
        for entry in list_registry(name)
    ]
    echo_table(("FUNCTION", "VERSION", "DIGEST", "ALIASES HERE"), rows, "It has no function.")
