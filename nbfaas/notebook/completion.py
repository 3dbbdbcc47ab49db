"""What the Tab key offers behind ``%faas``."""

from __future__ import annotations

from typing import Any

from nbfaas.notebook.commands import COMMANDS
from nbfaas.remote.decorator import functions
from nbfaas.service import current_service

_OF_FUNCTIONS = ("logs", "stop", "simulate")
_OF_TRIGGERS = ("triggers", "rules", "simulate")


def complete(shell: Any, event: Any) -> list[str]:
    """The subcommands, and behind some of them the functions or triggers of this session."""
    words = event.line.split()
    if len(words) < 2 or (len(words) == 2 and event.symbol):
        return list(COMMANDS)
    found = [*functions] if words[1] in _OF_FUNCTIONS else []
    if words[1] in _OF_TRIGGERS:
        # Not at the top: it brings the engine of events, which `%load_ext` need not wait for.
        from nbfaas.remote.triggers import triggers

        found += [each.name for each in triggers]
    if words[1] == "triggers":  # those that are missing can be shown and removed
        service = current_service()
        engine = None if service is None else service.events_if_open
        found += [] if engine is None else [name for name, n in engine.store.waiting.items() if n]
    return sorted(set(found))
