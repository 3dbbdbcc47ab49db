"""What ``%faas`` can do: a module for each subcommand, with ``add_arguments`` and ``run``."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Any

from nbfaas.errors import MagicError

COMMANDS = {
    "status": "functions of this session, and the latest invocations",
    "ps": "the sandboxes there are",
    "metrics": "how often and how long functions ran, and what triggers have before them",
    "logs": "what an invocation, or the latest one of a function, has written",
    "stop": "let idle sandboxes go; --all: cancel and remove everything",
    "triggers": "what functions wait for; pause, resume or remove a trigger",
    "events": "the events accepted last, and what became of them",
    "dlq": "the dead letters: events that could not be delivered; show, redrive or purge them",
    "dashboard": "all that runs, live: functions, sandboxes, events, dead letters, output",
    "simulate": "make up events, send them, and see which rules match and what they lead to",
    "rules": "try a pattern on an event: what each leaf wanted and found",
    "cron": "what a cron expression means, and when it runs next",
    "deploy": "make a version of a function that runs without this notebook",
    "export": "write a deployed version to a folder that is tested and deployed without a notebook",
    "functions": "the functions that are deployed, and where their aliases lead",
    "versions": "a deployed function's versions; show their source, or what differs",
    "alias": "lead an alias of a deployed function to a version, or a share of it to a canary",
    "rollback": "lead an alias to where it led before",
    "images": "the runtimes, and the images that nbfaas has made",
    "connect": "work on a running nbfaas serve: functions, cells and commands are its",
    "disconnect": "have functions run here again",
    "doctor": "check one by one what is needed to run functions",
}


def overview() -> str:
    """The subcommands, as text."""
    return "\n".join(
        [
            "%faas COMMAND: look at what runs, and act on it.",
            "",
            *(f"  %faas {name:<10} {what}" for name, what in COMMANDS.items()),
            "",
            "%faas COMMAND -h shows a command's arguments, %%faas? how to run a cell.",
        ]
    )


def run_command(name: str, line: str) -> Any:
    """Run a subcommand and return what it shows. Raises ``MagicError``."""
    from IPython.core.magic_arguments import MagicArgumentParser

    from nbfaas.notebook.arguments import parse_line
    from nbfaas.notebook.report import Report

    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f" Did you mean %faas {near[0]}?" if near else ""
        raise MagicError(
            f"there is no command %faas {name}.{hint} Commands: {', '.join(COMMANDS)}."
        )
    command = import_module(f"{__name__}.{name}")
    parser = MagicArgumentParser(f"faas {name}", description=f"{COMMANDS[name].capitalize()}.")
    parser.add_argument("-h", "--help", action="store_true", help="show this")
    command.add_arguments(parser)
    if {"-h", "--help"} & set(line.split()):  # also where a required argument is not given
        return Report(parser.format_help().removeprefix("::").strip())
    return command.run(parse_line(parser, line, f"%faas {name}"))
