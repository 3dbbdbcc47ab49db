"""``nbfaas deploy FILE.py:FUNCTION``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from nbfaas.remote.deploy import Deployed


@click.command("deploy")
@click.argument("place", metavar="FILE.py:FUNCTION | MODULE:FUNCTION | FOLDER")
@click.option("--name", help="What it is deployed as; the function's name, unless given.")
@click.option("--alias", help="An alias that is led to the version, such as dev or prod.")
@click.option("--image", help="Of an exported FOLDER: the image that docker build made of it.")
@click.option("--push", "pushes", is_flag=True, help="Push it to the registry as well.")
def command(
    place: str, name: str | None, alias: str | None, image: str | None, pushes: bool
) -> None:
    """Make a version of a function that runs without a notebook.

    A file is run as an import would; its triggers are noted, and nothing is started. The same
    code, options and packages are the same version, which is not built again. FOLDER is one that
    `nbfaas export` has written: it becomes the same version here.
    """
    from nbfaas.remote.distribution import check_registry, push

    if pushes:
        check_registry()  # before anything is deployed
    deployed = _deploy(place, name, alias, image)
    click.echo(str(deployed))
    click.echo(f"{deployed.image}  {deployed.digest}  content {deployed.content_hash[:12]}")
    if pushes:
        pushed = push(f"{deployed.name}:{deployed.version}", show)
        click.echo(f"{pushed.pin.reference}{'' if pushed.changed else '  (was there already)'}")


def _deploy(place: str, name: str | None, alias: str | None, image: str | None) -> Deployed:
    from nbfaas.pipeline.exported import is_export

    if is_export(place):
        from nbfaas.pipeline.deploying import deploy_export

        return deploy_export(place, name, alias=alias, image=image, show=show)
    if image is not None:
        raise click.UsageError("--image goes with an exported FOLDER only")
    from nbfaas.remote.deploy import deploy
    from nbfaas.remote.loading import load_function

    return deploy(load_function(place), name, alias=alias, show=show)


def show(progress: object) -> None:
    """Steps of builds and transfers, as they come."""
    if not getattr(progress, "done", False):
        click.echo(str(progress), err=True)
