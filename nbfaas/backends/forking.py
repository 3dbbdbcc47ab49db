"""Sockets that a forked child gives up at once.

As long as any process holds a copy of its socket, an agent does not notice that the host is gone:
if a kernel that had forked (multiprocessing, …) were killed, its sandboxes would stay for as long
as the child. What the child starts by itself has connections of its own.
"""

from __future__ import annotations

import contextlib
import os
import socket
import weakref

_sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()


def close_in_children(sock: socket.socket) -> None:
    """Have children that are forked from now on close their copy."""
    _sockets.add(sock)


def _after_fork() -> None:
    # Not through the loop: the child shares its epoll with the parent.
    for sock in list(_sockets):
        with contextlib.suppress(OSError):
            sock.close()


os.register_at_fork(after_in_child=_after_fork)
