"""The beginning and the end of a loop that a thread runs."""

from __future__ import annotations

import asyncio
import contextlib

from nbfaas.backends.host_threads import HostThreads


def new_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_default_executor(HostThreads(thread_name_prefix="asyncio"))
    return loop


async def finish_tasks() -> None:
    """Cancel what else runs on this loop, and wait for it."""
    loop = asyncio.get_running_loop()
    tasks = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    # It starts a thread, which can't be done while Python 3.12 ends; that ends its pools itself.
    with contextlib.suppress(RuntimeError):
        await loop.shutdown_default_executor()
