"""Which of the invocations that were sent ahead have been started: a page of shared memory.

An agent that is busy does not read its socket, so the host could not take back what waits in there
behind a slow invocation. Both therefore share three numbers:

- the agent writes ``claimed`` before it starts an invocation, and only then looks whether it is in
  the revoked range; if so it answers REVOKED instead of running it;
- the host writes the revoked range, waits for ``SETTLE`` seconds, and only then reads ``claimed``:
  what has a higher number, and is in the range, will never be started.

Each side writes before it reads, so at least one sees what the other wrote; the wait is for writes
that are still on their way out of a processor. A sandbox that writes nonsense harms only its own
invocations.
"""

from __future__ import annotations

import fcntl
import mmap
import os

from nbfaas.agent.buffers import F_ADD_SEALS, SEAL_SIZE, SealedBuffer

SETTLE = 0.001
_SIZE = 4096
_CLAIMED, _FIRST, _LAST = 0, 1, 2
_NEVER = 2**64 - 1


class Claims:
    """The page, as either side has it mapped."""

    def __init__(self, fd: int) -> None:
        self._numbers = memoryview(mmap.mmap(fd, _SIZE)).cast("Q")

    @classmethod
    def create(cls) -> tuple[Claims, SealedBuffer]:
        """A page, and what passes it to the agent. Its size is sealed: reading a page that the
        other side has cut off would kill this process. (Writing is not: the agent has to.)"""
        fd = os.memfd_create("nbfaas-claims", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(fd, _SIZE)
        fcntl.fcntl(fd, F_ADD_SEALS, SEAL_SIZE)
        passing = SealedBuffer(fd, _SIZE)
        claims = cls(fd)
        claims._numbers[_FIRST] = _NEVER
        return claims, passing

    def __repr__(self) -> str:
        claimed, first, last = self._numbers[:3]
        revoked = f", {first} to {last} revoked" if first <= last else ""
        return f"<Claims {claimed} claimed{revoked}>"

    @property
    def claimed(self) -> int:
        """The number of the invocation that was started last, or was about to be."""
        return self._numbers[_CLAIMED]

    def claim(self, number: int) -> bool:
        """For the agent: whether the invocation may be started."""
        numbers = self._numbers
        numbers[_CLAIMED] = number
        # The last before the first: the host changes them in the opposite order.
        last = numbers[_LAST]
        return not numbers[_FIRST] <= number <= last

    def revoke(self, first: int, last: int) -> None:
        """For the host: let no invocation from ``first`` to ``last`` be started any more."""
        numbers = self._numbers
        numbers[_FIRST] = _NEVER  # no range at all, while it is half changed
        numbers[_LAST] = last
        numbers[_FIRST] = first
