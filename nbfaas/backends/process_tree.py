"""Finding and killing what a process sandbox has started, as far as it can be told from /proc.

``HOME_VARIABLE`` marks a sandbox's processes; its value is the sandbox's home folder.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from nbfaas.agent.secrets import HOME_VARIABLE as HOME_VARIABLE
from nbfaas.backends.owner import Owner, stat_fields

_PAGE = os.sysconf("SC_PAGE_SIZE")
_ROUNDS = 50


def kill_sandbox(session: int, home: Path) -> None:
    """Kill every process of the session, and every process whose environment names ``home``:
    what a function starts inherits that, even in a session of its own. Blocks until none is
    found, at most about half a second."""
    marker = os.fsencode(f"{HOME_VARIABLE}={home}\0")
    for _ in range(_ROUNDS):
        found = [pid for pid in _pids() if _session(pid) == session or marker in _environment(pid)]
        if not found:
            return
        for pid in found:
            kill(pid)
        time.sleep(0.01)


def kill_orphans(scratch_root: Path) -> int:
    """Kill the processes that lived in homes of owners no longer alive; return how many homes."""
    prefix = os.fsencode(f"{HOME_VARIABLE}={scratch_root}/")
    homes = set()
    for pid in _pids():
        _, found, rest = (b"\0" + _environment(pid)).partition(b"\0" + prefix)
        if not found:
            continue
        home = os.fsdecode(rest.partition(b"\0")[0])
        owner = Owner.parse(home.partition("/")[0])
        if owner is not None and not owner.is_alive():
            kill(pid)
            homes.add(home)
    return len(homes)


def kill(pid: int) -> None:
    """Send SIGKILL, if the process still is there and may be killed."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def largest_memory(pid: int) -> int:
    """The largest resident set, in bytes, among the process and its descendants. (Not their sum:
    forked processes share pages.)"""
    try:
        largest = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * _PAGE
        children = Path(f"/proc/{pid}/task/{pid}/children").read_bytes().split()
    except (OSError, IndexError):
        return 0
    for child in children:
        largest = max(largest, largest_memory(int(child)))
    return largest


def _pids() -> Iterator[int]:
    own = os.getpid()
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != own:
            yield int(name)


def _session(pid: int) -> int | None:
    fields = stat_fields(pid)
    return None if fields is None or fields[0] in "ZX" else int(fields[3])


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
