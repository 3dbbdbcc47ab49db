"""Clicks that work while a cell is busy.

Frontends send widgets' messages to a *subshell*, a thread of the kernel that is free while the main
one runs a cell. But ipykernel 7 sends a message on to where the widget last published something,
so that the reply to a widget's own question reaches whoever asked. A widget that was displayed by
the running cell would thus hear of a click when that cell ends: too late for *Cancel*.

Kernels before 7 have no subshells. There the view says that the kernel is busy and offers to
interrupt it, which is what cancels ``.remote()`` and maps (``static/view.js``).
"""

from __future__ import annotations

from typing import Any


def hear_while_busy(comm: Any) -> bool:
    """Have messages of ``comm`` handled where the frontend sent them. Returns whether there was
    anything to change: the method is private, and not every version has it."""
    if not hasattr(comm, "_reply_subshell_for"):
        return False
    comm._reply_subshell_for = _as_sent
    return True


def _as_sent(data: object, default: str | None) -> str | None:
    return default
