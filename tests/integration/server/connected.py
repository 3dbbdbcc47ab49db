"""What tests of connected notebooks share."""

from __future__ import annotations

from nbfaas import remote
from nbfaas.notebook.commands import run_command


def small(function):
    return remote(cpu=0.5, memory="128MB")(function)


def shown(command: str, line: str = "") -> str:
    return repr(run_command(command, line))
