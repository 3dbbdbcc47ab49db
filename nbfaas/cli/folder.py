"""Groups of commands that are folders of modules, so that starting one loads no other."""

from __future__ import annotations

import difflib
import importlib
import os
import pkgutil
from pathlib import Path
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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not near:
                raise
            meant = f"{error.message.rstrip('.')}. Did you mean {near[0]!r}?"
            raise click.UsageError(meant, ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NbfaasError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            told = _about_data_folder(error)
            if told is None:
                raise
            raise click.ClickException(told) from error


def _about_data_folder(error: OSError) -> str | None:
    """What to tell of it if it is about the folder of nbfaas's data, or one above."""
    from nbfaas.errors import DataFolderUnusable
    from nbfaas.settings import config

    if not isinstance(error.filename, str | os.PathLike):
        return None
    folder, where = Path(config.data_dir), Path(error.filename)
    if not (where.is_relative_to(folder) or folder.is_relative_to(where)):
        return None
    reason = f"{where}: {error.strerror}"
    fix = "NBFAAS_DATA_DIR names another that you may write to."
    return str(DataFolderUnusable(str(folder), reason, fix))
