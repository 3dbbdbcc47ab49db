"""Blocking calls of sources, in threads that never outlive the call."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(call: Callable[[threading.Event], T], name: str) -> T:
    """``call(stop)`` in a thread of its own. If this is cancelled, ``stop`` is set, and the
    cancellation goes on once the call has ended; so it must look at ``stop`` now and then."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[T] = loop.create_future()
    stop = threading.Event()

    def run() -> None:
        try:
            result = call(stop)
        except BaseException as error:  # noqa: BLE001 - it is raised where the call was awaited
            tell, what = ended.set_exception, error
            _tell(loop, lambda: tell(what))
        else:
            _tell(loop, lambda: ended.set_result(result))

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        await asyncio.wait([ended])
    except asyncio.CancelledError:
        stop.set()
        while not ended.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([ended])
        ended.exception()  # nobody else will ask for it
        raise
    finally:
        thread.join()
    return ended.result()


def _tell(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(call)
