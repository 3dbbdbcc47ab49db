"""Groups of commands that are folders of modules, so that starting one loads no other."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import click

from nbfaas.errors import NbfaasError


class CommandFolder(click.Group):
    """A group whose commands are the modules of a package that define ``command``.

    Errors of nbfaas end the program with their message and exit code 1, without a traceback.
    """

    def __init__(self, *arguments: Any, package: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        package = importlib.import_module(self._package)
        names = (module.name for module in pkgutil.iter_modules(package.__path__))
        return sorted(name for name in names if self.get_command(ctx, name) is not None)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if not cmd_name.isidentifier():
            return None
        name = f"{self._package}.{cmd_name}"
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            return None
        command = getattr(module, "command", None)
        return command if isinstance(command, click.Command) else None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NbfaasError as error:
            raise click.ClickException(str(error)) from error
