"""Waiting for tasks that leave their set when they end."""

from __future__ import annotations

import asyncio
from collections.abc import Set
from typing import Any


async def none_left(tasks: Set[asyncio.Task[Any]]) -> None:
    """Return when the set is empty: whatever was in it, and came meanwhile, has ended."""
    while tasks:
        await asyncio.gather(*tasks, return_exceptions=True)
        # Where all have ended before, gather (since Python 3.12) lets nothing else run, and they
        # would never leave the set.
        await asyncio.sleep(0)
