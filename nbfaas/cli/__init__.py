"""The command line, ``nbfaas COMMAND``: each command is a file of this folder."""

from __future__ import annotations

import os

import click

from nbfaas import __version__
from nbfaas.cli.folder import CommandFolder


@click.group(cls=CommandFolder, package="nbfaas.cli")
@click.version_option(__version__, prog_name="nbfaas")
def main() -> None:
    """Turn a notebook into a serverless platform on Docker."""
    if any(name.startswith("NBFAAS_") for name in os.environ):
        from nbfaas.settings import misspelt

        for line in misspelt(os.environ):
            click.echo(f"nbfaas: {line}", err=True)
