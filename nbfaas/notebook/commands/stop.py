"""``%faas stop``."""

from __future__ import annotations

import argparse
import difflib

from nbfaas.errors import MagicError
from nbfaas.errors.serve import NotOnServer
from nbfaas.model.invocation import SandboxState
from nbfaas.notebook.report import Report
from nbfaas.remote.decorator import functions
from nbfaas.remote.triggers import triggers
from nbfaas.service import SandboxRow, close_service, current_service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="a function; without it, idle ones of all functions"
    )
    parser.add_argument(
        "--all", action="store_true", help="cancel what runs, and remove every sandbox"
    )


def run(given: argparse.Namespace) -> Report:
    service = current_service()
    if given.all and service is not None and service.server is not None:
        raise NotOnServer(
            "%faas stop --all",
            service.server,
            "Cancel calls with call.cancel(); %faas disconnect ends all that this notebook has "
            "there, and %faas stop removes idle sandboxes.",
        )
    if given.all:
        gone = len(triggers)
        close_service()
        text = "Everything was cancelled and removed. The next call starts anew."
        if gone:
            text += (
                f" {gone} trigger{' is' if gone == 1 else 's are'} gone too: run the cells that "
                "define them again. What was accepted waits."
            )
        return Report(text)
    rows = service.sandboxes() if service is not None and not service.failed else []
    if given.name is not None:
        known = {*functions, *(row.function for row in rows if row.function)}
        if given.name not in known:
            near = difflib.get_close_matches(given.name, known, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise MagicError(f"there is no function {given.name!r} in this session.{hint}")
        rows = [row for row in rows if row.function == given.name]
    idle = [row for row in rows if row.state == SandboxState.IDLE]
    if service is not None and idle:
        service.dispatcher.stop_idle(given.name)
    return Report(_said(idle, [row for row in rows if row.state == SandboxState.BUSY]))


def _said(idle: list[SandboxRow], busy: list[SandboxRow]) -> str:
    text = f"{_sandboxes(len(idle), 'idle')} removed."
    if busy:
        text += f" {_sandboxes(len(busy), 'busy')} left: cancel the calls, or %faas stop --all."
    return text


def _sandboxes(number: int, kind: str) -> str:
    return f"{number} {kind} sandbox{' is' if number == 1 else 'es are'}"
