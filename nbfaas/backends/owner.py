"""Who a sandbox belongs to, so that what a killed kernel left can be told from what is in use."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, named so that the name is never used again: a pid alone comes back.

    ``boot`` is the kernel's boot id, ``start`` the process's start time in clock ticks since
    boot, ``namespace`` its pid namespace.
    """

    boot: str
    pid: int
    start: int
    namespace: int

    @classmethod
    def current(cls) -> Owner:
        """This process."""
        pid = os.getpid()
        return cls(_boot_id(), pid, process_start(pid) or 0, _pid_namespace())

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """The owner that ``str`` made ``text`` of, or None if it is something else."""
        boot, *numbers = text.replace("_", "/").split("/")
        if len(numbers) != 3 or not all(number.isdigit() for number in numbers):
            return None
        pid, start, namespace = map(int, numbers)
        return cls(boot, pid, start, namespace)

    def __str__(self) -> str:
        return f"{self.boot}/{self.pid}/{self.start}/{self.namespace}"

    @property
    def folder(self) -> str:
        """The owner as a file name; ``parse`` reads it too."""
        return f"{self.boot[:8]}_{self.pid}_{self.start}_{self.namespace}"

    def is_alive(self) -> bool:
        """Whether the process still runs. One whose pid can't be seen from here (another pid
        namespace of the same boot) counts as alive: what is in use must never be removed."""
        if self.boot[:8] != _boot_id()[:8]:
            return False
        if self.namespace != _pid_namespace():
            return True
        return process_start(self.pid) == self.start


def process_start(pid: int) -> int | None:
    """When the process was started, in clock ticks since boot; None if there is none (a zombie
    counts as none)."""
    fields = stat_fields(pid)
    return None if fields is None or fields[0] in "ZX" else int(fields[19])


def process_state(pid: int) -> str | None:
    """The state letter of ``/proc/<pid>/stat``: R, S, D, T (stopped), t (traced), Z (zombie), …"""
    fields = stat_fields(pid)
    return None if fields is None else fields[0]


def stat_fields(pid: int) -> list[str] | None:
    """The fields of ``/proc/<pid>/stat`` from the state on; None if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The name before them may itself hold spaces and parentheses.
    return text.rpartition(b")")[2].decode().split()


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _pid_namespace() -> int:
    return os.stat("/proc/self/ns/pid").st_ino
