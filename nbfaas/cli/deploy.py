"""``nbfaas deploy FILE.py:FUNCTION``."""

from __future__ import annotations

import click


@click.command("deploy")
@click.argument("place", metavar="FILE.py:FUNCTION | MODULE:FUNCTION")
@click.option("--name", help="What it is deployed as; the function's name, unless given.")
@click.option("--alias", help="An alias that is led to the version, such as dev or prod.")
@click.option("--push", "pushes", is_flag=True, help="Push it to the registry as well.")
def command(place: str, name: str | None, alias: str | None, pushes: bool) -> None:
    """Make a version of a function that runs without a notebook.

    The file is run as an import would; its triggers are noted, and nothing is started. The same
    code, options and packages are the same version, which is not built again.
    """
    from nbfaas.remote.deploy import deploy
    from nbfaas.remote.distribution import push
    from nbfaas.remote.loading import load_function

    deployed = deploy(load_function(place), name, alias=alias, show=show)
    click.echo(str(deployed))
    click.echo(f"{deployed.image}  {deployed.digest}  content {deployed.content_hash[:12]}")
    if pushes:
        pushed = push(f"{deployed.name}:{deployed.version}", show)
        click.echo(f"{pushed.pin.reference}{'' if pushed.changed else '  (was there already)'}")


def show(progress: object) -> None:
    """Steps of builds and transfers, as they come."""
    if not getattr(progress, "done", False):
        click.echo(str(progress), err=True)
