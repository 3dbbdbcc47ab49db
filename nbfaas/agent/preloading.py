"""Importing, while nothing else is to be done, what functions of this runtime will probably need.

A prewarmed sandbox waits anyway. A first call that uses pandas then does not pay for its import;
and with ``isolation="call"`` the children find it imported.
"""

from __future__ import annotations

import importlib
import select
import socket
import sys


def import_while_idle(path: str, sock: socket.socket) -> None:
    """Import the modules that the file at ``path`` lists, one a line, until the host sends
    something. No file: nothing to import. What can't be imported is left to the function."""
    try:
        with open(path) as file:
            modules = file.read().split()
    except FileNotFoundError:
        return
    for module in modules:
        if select.select([sock], [], [], 0)[0]:
            return  # there is work to do
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001 - a module may raise anything; the sandbox is fine
            print(f"nbfaas agent: preloading {module} failed: {error}", file=sys.stderr)
