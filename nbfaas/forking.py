"""What a forked child gives up at once.

As long as any process holds a copy of a socket or of a locked file, others do not notice that this
one has let go of it: if a kernel had forked (multiprocessing, …), its sandboxes, its port and its
locks would stay for as long as the child. What the child starts by itself it opens by itself.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Iterable
from typing import Protocol


class Closable(Protocol):
    """A socket, a file."""

    def close(self) -> object: ...


class Holder(Protocol):
    """It has sockets that asyncio made."""

    def descriptors(self) -> Iterable[int]:
        """What is open; negative ones do not count. Called in the child."""


_closable: weakref.WeakSet[Closable] = weakref.WeakSet()
_holders: weakref.WeakSet[Holder] = weakref.WeakSet()


def close_in_children(closable: Closable) -> None:
    """Have children that are forked from now on close their copy."""
    _closable.add(closable)


def give_up_in_children(holder: Holder) -> None:
    """Have children that are forked from now on give up their copies of what ``holder`` has."""
    _holders.add(holder)


def _after_fork() -> None:
    # Not through the loop: the child shares its epoll with the parent.
    for closable in list(_closable):
        with contextlib.suppress(OSError):
            closable.close()
    if not _holders:
        return
    # The numbers stay taken: asyncio's sockets know nothing of this, and may be closed once more.
    nothing = os.open(os.devnull, os.O_RDWR)
    for holder in list(_holders):
        for descriptor in holder.descriptors():
            if descriptor >= 0:
                os.dup2(nothing, descriptor, inheritable=False)
    os.close(nothing)


os.register_at_fork(after_in_child=_after_fork)
