"""``nbfaas images build [NAME...]``."""

from __future__ import annotations

import time

import click

from nbfaas.agent.units import format_bytes, format_seconds


@click.command("build")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def command(names: tuple[str, ...]) -> None:
    """Build all runtimes, or those named.

    A name may be a Docker reference as well. What exists already is left alone.
    """
    from nbfaas.images import to_spec
    from nbfaas.images.connect import connected
    from nbfaas.images.progress import BuildProgress
    from nbfaas.images.runtimes import runtimes
    from nbfaas.settings import config

    def show(progress: BuildProgress) -> None:
        if not progress.done:
            click.echo(str(progress), err=True)

    specs = [to_spec(name) for name in names or runtimes()]
    with connected(config, show) as images:
        for spec in specs:
            began = time.monotonic()
            built = images.ensure(spec)
            took = format_seconds(time.monotonic() - began)
            click.echo(
                f"{built.runtime}  {built.reference}  Python {built.python}  "
                f"{format_bytes(built.size)}  {took}"
            )
