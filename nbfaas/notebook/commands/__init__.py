"""What ``%faas`` can do: a module for each subcommand, named as it is."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Any

from nbfaas.errors import MagicError

COMMANDS = {
    "status": "functions of this session, and the latest invocations",
    "ps": "the sandboxes there are",
    "logs": "what an invocation, or the latest one of a function, has written",
    "stop": "let the idle sandboxes of a function go; --all: cancel and remove everything",
    "images": "runtimes and images that nbfaas has made",
    "doctor": "check one by one what is needed to run functions",
}


def overview() -> str:
    """The subcommands, as text."""
    lines = [f"  %faas {name:<8} {what}" for name, what in COMMANDS.items()]
    return "\n".join(
        ["%faas COMMAND – look at what runs, and act on it.", "", *lines, "",
         "`%faas COMMAND -h` shows a command's arguments; `%%faas?` how to run a cell."]
    )  # fmt: skip


def run_command(name: str, line: str) -> Any:
    """Run a subcommand and return what it shows. Raises ``MagicError``."""
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f"Did you mean `%faas {near[0]}`?" if near else ""
        raise MagicError(
            f"there is no command %faas {name}. {hint} Commands: {', '.join(COMMANDS)}."
        )
    return import_module(f"{__name__}.{name}").run(line)
