"""``isolation="call"``: every invocation in a fresh process, forked from the loaded function.

The parent holds the function, runs none of it, and has no threads; so a fork is safe, takes half a
millisecond, and one invocation can't see what another has done. A child that dies does not take the
sandbox with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable

from nbfaas.agent.wire import Chunk

# What a child tells its parent through a pipe, a byte at a time.
_BEGUN, _DONE = b"b", b"d"


class ChildLeftStreamBroken(Exception):
    """The child died while it wrote its answer: the connection can't be used any more."""


class ChildDied(Exception):
    """The child died before it answered."""

    def __init__(self, exit_code: int | None, signal_name: str | None, oom: bool) -> None:
        super().__init__(f"child ended with {signal_name or exit_code}")
        self.exit_code = exit_code
        self.signal_name = signal_name
        self.oom = oom


def run_in_child(
    run: Callable[[], list[Chunk]],
    send: Callable[[list[Chunk]], None],
    attend: Callable[[int], None] | None = None,
) -> None:
    """Fork; the child calls ``run`` and ``send``s what that returns. Returns when it is gone.
    ``attend`` is called with its pid in the parent, and may do something until it has ended.

    Raises ``ChildDied`` or ``ChildLeftStreamBroken``, in the parent only.
    """
    ooms = oom_kills()
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        # Nothing of the parent's stack may run in the child, whatever happens.
        try:
            os.close(read_end)
            with contextlib.suppress(OSError):
                os.setsid()
            answer = run()
            os.write(write_end, _BEGUN)
            send(answer)
            os.write(write_end, _DONE)
        finally:
            os._exit(0)
    os.close(write_end)
    try:
        if attend is not None:
            attend(child)
        _, status = os.waitpid(child, 0)
        # What the invocation started and left running goes with it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        os.set_blocking(read_end, False)
        try:
            told = os.read(read_end, 16)
        except BlockingIOError:
            told = b""
    finally:
        os.close(read_end)
    if told == _BEGUN + _DONE:
        return
    if told:
        raise ChildLeftStreamBroken
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name
        raise ChildDied(None, name, number == signal.SIGKILL and oom_kills() > ooms)
    raise ChildDied(os.waitstatus_to_exitcode(status), None, False)


def oom_kills() -> int:
    """How often the kernel's OOM killer struck in this sandbox; 0 where that can't be seen."""
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        try:
            with open(path) as file:
                for line in file:
                    key, _, value = line.partition(" ")
                    if key == "oom_kill":
                        return int(value)
        except (OSError, ValueError):
            continue
    return 0
