"""What one attempt used: time and memory, measured by the process that ran it."""

from __future__ import annotations

import contextlib
import os
import resource
import time

from nbfaas.agent.wire import STATS


class Usage:
    """Meters one attempt at a time: ``begin()``, then ``end()``."""

    def __init__(self) -> None:
        # Writing "5" here sets the peak of the resident set back to its present size (proc(5)).
        # It takes a microsecond; without it the peak would be that of the process's whole life.
        self._clear_refs = -1
        with contextlib.suppress(OSError):
            self._clear_refs = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
        # ``ru_maxrss`` includes what this process was before its exec: a copy of a notebook with
        # gigabytes, in the process backend. Then the slower way to the peak is taken.
        self._status = -1
        with contextlib.suppress(OSError):
            status = os.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)
            if _used()[2] > _high_water(status):
                self._status = status
            else:
                os.close(status)
        self._started = 0
        self._wall = 0
        self._user = 0.0
        self._system = 0.0

    def begin(self) -> None:
        if self._clear_refs >= 0:
            try:
                os.write(self._clear_refs, b"5")
            except OSError:
                self._clear_refs = -1
        self._user, self._system, _ = _used()
        self._started = time.time_ns()
        self._wall = time.perf_counter_ns()

    def end(self) -> bytes:
        """The packed ``wire.STATS`` of the attempt."""
        wall = time.perf_counter_ns() - self._wall
        user, system, peak = _used()
        if self._status >= 0:
            peak = _high_water(self._status)
        return STATS.pack(
            self._started,
            wall,
            max(0, int((user - self._user) * 1e6)),
            max(0, int((system - self._system) * 1e6)),
            peak,
        )


def _used() -> tuple[float, float, int]:
    """Seconds of user and of system time, with ended child processes; peak memory in bytes."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (
        own.ru_utime + children.ru_utime,
        own.ru_stime + children.ru_stime,
        own.ru_maxrss * 1024,
    )


def _high_water(status: int) -> int:
    """The peak of the resident set in bytes, from an open ``/proc/self/status``."""
    text = os.pread(status, 4096, 0)
    _, _, rest = text.partition(b"VmHWM:")
    return int(rest.split(None, 1)[0]) * 1024 if rest else 0
