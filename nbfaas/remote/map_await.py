"""Waiting for a run on an event loop of the user's: ``await run``, ``async for y in run``."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbfaas.remote.map_run import MapRun

# How often progress is shown anew while nothing comes.
_REFRESH = 0.25


async def stream(run: MapRun[Any], ordered: bool) -> AsyncIterator[Any]:
    """As ``for y in run``, without blocking the loop. Cancelling who waits cancels the run."""
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed, so nobody waits
            loop.call_soon_threadsafe(changed.set)

    ready = run._is_settled if ordered else run._has_completed
    run._wakers.add(wake)
    try:
        with run._watched() as show:
            for position in range(len(run)):
                while not ready(position):
                    changed.clear()
                    show()
                    if ready(position):
                        break
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(changed.wait(), _REFRESH)
                items = run._invocations if ordered else run._completed
                yield run._value(items[position])
    except asyncio.CancelledError:
        run.cancel()
        raise
    finally:
        run._wakers.discard(wake)


async def gather(run: MapRun[Any]) -> list[Any]:
    """As ``run.results()``."""
    return [value async for value in stream(run, ordered=True)]
