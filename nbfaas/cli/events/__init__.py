"""``nbfaas events``: events for a running server."""

from __future__ import annotations

import click

from nbfaas.cli.folder import CommandFolder


@click.group("events", cls=CommandFolder, package="nbfaas.cli.events")
def command() -> None:
    """Send events to a running server."""
