"""The direct path: the calling thread sends a lone invocation itself, to a sandbox that is idle.

Waking the loop's thread only to have it write to a socket would double the time of a short call.
The loop learns of the invocation a moment later, while it runs, and handles the answer as ever.

Who may touch an idle slot is decided by its lane's ``parked`` deque, whose operations are atomic:
a caller pops a slot from it, the loop removes one from it (``Slot.take``), and only who got it goes
on. The loop sends nothing to a slot that a caller has, until it has learnt of the invocation: the
agent answers in the order in which it is sent to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from nbfaas.dispatch.fleet import Fleet
from nbfaas.dispatch.invocation import Invocation
from nbfaas.dispatch.slot import Slot

# Bytes that an idle connection surely takes at once.
_LARGEST = 16 * 1024


class DirectPath:
    """``register`` is called for every invocation that was sent, from the caller's thread;
    ``abandon`` instead if the caller was interrupted: it may have been sent or not."""

    def __init__(
        self,
        fleet: Fleet,
        register: Callable[[Slot, Invocation], None],
        abandon: Callable[[Slot, Invocation], None],
    ) -> None:
        self._lanes = fleet.lanes
        self._register = register
        self._abandon = abandon
        self.closed = False

    def send(self, invocation: Invocation) -> bool:
        """Send it now, if a slot of its function is parked. False: submit it as usual."""
        parts = invocation.parts
        lane = self._lanes.get(invocation.function.digest)
        if (
            lane is None
            or lane.waiting  # it is not its turn
            or self.closed
            or lane.function.options.secrets is not invocation.function.options.secrets
            or len(parts) != 1
            or type(data := parts[0]) is not bytes
            or len(data) > _LARGEST
        ):
            return False
        # Ctrl-C may raise between any two steps of Python. A slot that is in the deque no more, and
        # in no variable yet, would be lost; so it goes from one to the other within one call of C.
        had: list[Slot] = []
        try:
            had += map(deque.pop, (lane.parked,))
            if not had[0].send_directly(invocation):
                return False
            self._register(had[0], invocation)
        except BaseException as error:
            if had:
                self._abandon(had[0], invocation)
            elif isinstance(error, IndexError):
                return False  # none is parked
            raise
        return True
