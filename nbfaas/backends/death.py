"""How a process's end is read. Pure."""

from __future__ import annotations

import signal

from nbfaas.backends.base import Death, DeathKind

# Signals that a process hardly ever gets of its own making.
_FROM_OUTSIDE = frozenset(
    {signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT}
)

OUT_OF_MEMORY = Death(
    DeathKind.OOM, "it used more than its memory limit", signal_name=signal.SIGKILL.name
)
PAUSED = Death(DeathKind.FROZEN, "it is paused")
STOPPED = Death(DeathKind.FROZEN, "its process is stopped (SIGSTOP)")
STILL_RUNNING = Death(DeathKind.UNKNOWN, "it closed its connection, but still runs")


def by_signal(number: int, *, oom: bool) -> Death:
    """The death of a process that a signal ended. ``oom``: it was the OOM killer's SIGKILL."""
    if number == signal.SIGKILL and oom:
        return OUT_OF_MEMORY
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if number in _FROM_OUTSIDE:
        return Death(DeathKind.KILLED, f"it was killed from outside by {name}", signal_name=name)
    return Death(DeathKind.SIGNALLED, f"it ended by {name}", signal_name=name)


def by_exit_code(code: int) -> Death:
    """The death of a process that ended by itself."""
    return Death(DeathKind.EXITED, f"it ended with exit code {code}", exit_code=code)


def by_container_exit_code(code: int, *, oom: bool, killed: bool) -> Death:
    """The death of a container, whose init reports a signal as 128 + its number.

    ``killed``: the daemon was asked to kill it. ``oom``: the kernel's OOM killer struck in it.
    """
    if killed:
        return Death(
            DeathKind.KILLED, "it was killed from outside through Docker", signal_name="SIGKILL"
        )
    number = code - 128
    if 0 < number < signal.NSIG:
        return by_signal(number, oom=oom)
    return by_exit_code(code)


def frozen_by_state(state: str | None) -> Death | None:
    """The death that the state letter of ``/proc/<pid>/stat`` tells of, if any."""
    return STOPPED if state is not None and state in "Tt" else None
