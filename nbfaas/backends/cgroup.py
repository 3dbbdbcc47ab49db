"""How often the kernel's OOM killer struck in a process's memory cgroup (v1 and v2)."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


class OomCounter:
    """Opened while the process lives, so that the count can be read right after its death."""

    def __init__(self, pid: int) -> None:
        self._fd = -1
        path = _counter_file(pid) if pid else None
        if path is not None:
            try:
                self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                self._fd = -1
        self._last = 0

    def __repr__(self) -> str:
        return f"<OomCounter {self._last} kills>" if self._fd >= 0 else "<OomCounter blind>"

    def read(self) -> int:
        """How many processes were killed for memory so far. Once the cgroup is gone, or where it
        can't be seen: what was read last."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                self._last = parse_counter(os.pread(self._fd, 4096, 0))
        return self._last

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def parse_counter(text: bytes) -> int:
    """The ``oom_kill`` line of ``memory.events`` (v2) or ``memory.oom_control`` (v1)."""
    for line in text.splitlines():
        key, _, value = line.partition(b" ")
        if key == b"oom_kill" and value.isdigit():
            return int(value)
    return 0


def counter_path(cgroups: str, mountinfo: str) -> str | None:
    """The counter's file, from the texts of ``/proc/<pid>/cgroup`` and ``/proc/self/mountinfo``."""
    paths = {}
    for line in cgroups.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            paths[controller] = path
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields, (kind, _, options) = left.split(), right.split()[:3]
        if kind == "cgroup" and "memory" in options.split(",") and "memory" in paths:
            return _below(fields[4], fields[3], paths["memory"], "memory.oom_control")
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        if right.startswith("cgroup2 ") and "" in paths:
            fields = left.split()
            return _below(fields[4], fields[3], paths[""], "memory.events")
    return None


def _below(mount: str, root: str, path: str, name: str) -> str:
    # The mount may show only a part of the hierarchy, from ``root`` on.
    if root != "/" and path.startswith(root):
        path = path[len(root) :]
    return os.path.join(mount, path.lstrip("/"), name)


def _counter_file(pid: int) -> str | None:
    try:
        cgroups = Path(f"/proc/{pid}/cgroup").read_text()
        return counter_path(cgroups, Path("/proc/self/mountinfo").read_text())
    except (OSError, ValueError):
        return None
