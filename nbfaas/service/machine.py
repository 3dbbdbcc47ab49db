"""What this machine has for sandboxes."""

from __future__ import annotations

import os

from nbfaas.dispatch.budget import Budget
from nbfaas.settings import Settings


def budget(settings: Settings) -> Budget:
    """What the settings, or else this machine, allow all sandboxes together."""
    cpu = settings.cpu_budget or float(len(os.sched_getaffinity(0)))
    memory = settings.memory_budget or int(0.8 * _machine_memory())
    return Budget(cpu, memory)


def _machine_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
