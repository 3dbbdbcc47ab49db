"""The end of a loop that a thread runs."""

from __future__ import annotations

import asyncio


async def finish_tasks() -> None:
    """Cancel what else runs on this loop, and wait for it."""
    loop = asyncio.get_running_loop()
    tasks = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await loop.shutdown_default_executor()
