"""``nbfaas images``: the images that functions run in."""

from __future__ import annotations

import click

from nbfaas.cli.folder import CommandFolder


@click.group("images", cls=CommandFolder, package="nbfaas.cli.images")
def command() -> None:
    """Build, list and remove the images that functions run in."""
