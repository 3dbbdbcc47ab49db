"""Running a source for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from nbfaas.triggers.source import Intake, Source


@asynccontextmanager
async def running(source: Source, intake: Intake) -> AsyncIterator[asyncio.Task[None]]:
    """Stops it at the end, and raises what it raised."""
    run = asyncio.create_task(source.run(intake))
    try:
        yield run
    finally:
        run.cancel()
        await asyncio.wait([run])
        if not run.cancelled() and (error := run.exception()) is not None:
            raise error


async def until(is_so: Callable[[], object], seconds: float = 20) -> None:
    """Return as soon as ``is_so()`` is true. Fails when it is not within ``seconds``."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not is_so():
        assert asyncio.get_running_loop().time() < deadline, f"it was not so within {seconds} s"
        await asyncio.sleep(0.01)
