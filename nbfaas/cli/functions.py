"""``nbfaas functions``."""

from __future__ import annotations

import click


@click.command("functions")
def command() -> None:
    """List the functions that are deployed, and where their aliases lead."""
    from nbfaas.cli.tables import echo_table
    from nbfaas.remote.deploy import open_catalog
    from nbfaas.remote.deployments import FUNCTION_HEADINGS, function_rows

    empty = "No function is deployed yet: function.deploy(name), or nbfaas deploy FILE.py:FUNCTION."
    echo_table(FUNCTION_HEADINGS, function_rows(open_catalog()), empty)
