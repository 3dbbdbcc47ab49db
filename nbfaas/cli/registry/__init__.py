"""``nbfaas registry``: what the registry of the settings has."""

from __future__ import annotations

import click

from nbfaas.cli.folder import CommandFolder


@click.group("registry", cls=CommandFolder, package="nbfaas.cli.registry")
def command() -> None:
    """List and prune the registry of the settings (NBFAAS_REGISTRY=host:port/prefix)."""
