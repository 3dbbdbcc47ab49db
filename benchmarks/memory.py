"""Memory as a machine of one's own has it, on virtual machines too.

A hypervisor may take memory that was freed away from its guest (free page reporting, balloons), and
give it back page by page when it is touched again: on the machine of docs/performance.md that takes
2.9 s for 1 GB, twenty times as long as clearing it. Whoever happens to get such pages is timed for
it, so they are all touched before.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import time

_POPULATE = 23  # MADV_POPULATE_WRITE; <asm-generic/mman-common.h>, Linux 5.14
_GIGABYTE = 2**30
_ENOUGH = 2 * _GIGABYTE  # more than any row needs


def touch_memory() -> float:
    """Have the kernel hold enough free memory that is really there, in small pages and in large
    ones. Returns the seconds that a gigabyte took."""
    size = min(_ENOUGH, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES") // 4)
    started = time.perf_counter()
    held = []
    for pages in (mmap.MADV_NOHUGEPAGE, mmap.MADV_HUGEPAGE):
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for advice in (pages, _POPULATE):
            with contextlib.suppress(OSError):  # a kernel that does not know it
                memory.madvise(advice)
        held.append(memory)
    seconds = time.perf_counter() - started
    for memory in held:
        memory.close()
    return seconds * _GIGABYTE / (len(held) * size)
