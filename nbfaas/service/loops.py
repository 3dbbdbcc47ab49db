"""A loop that a thread of its own runs: its beginning, what others ask of it, and its end."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from nbfaas.backends.host_threads import HostThreads
from nbfaas.errors import NbfaasError, WouldWaitForItself

T = TypeVar("T")


class OnLoop(ABC):
    """What lives on such a loop, for callers in other threads."""

    _loop: asyncio.AbstractEventLoop
    _thread: threading.Thread
    _gate: threading.Lock
    """Around whether it is over, and what that decides."""

    @abstractmethod
    def _over(self) -> NbfaasError | None:
        """What to raise because nothing that is given to the loop any more would be run."""

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Run a coroutine on the loop and wait for it, from another thread. Raises
        ``WouldWaitForItself`` on the loop's thread; ``ServiceClosed``, or ``ServerGone`` where
        functions run on a server, once it is closed."""
        try:
            self._check_thread("what runs on that thread")
            with self._gate:
                if (over := self._over()) is not None:
                    raise over
                future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except NbfaasError:
            coroutine.close()
            raise
        try:
            return future.result(timeout)
        except concurrent.futures.CancelledError:
            if (over := self._over()) is not None:
                raise over from None
            raise

    def check_may_wait(self, invocation_id: str) -> None:
        """Raise ``WouldWaitForItself`` on the loop's thread (as in the callback of a call): what it
        waits for there, nobody would bring about."""
        self._check_thread(f"invocation {invocation_id}")

    def _check_thread(self, what: str) -> None:
        if threading.current_thread() is self._thread:
            raise WouldWaitForItself(what)

    def call_soon(self, step: Callable[[], None]) -> None:
        """Call ``step`` once what the loop is doing is done. From the loop's thread only."""
        self._loop.call_soon(step)

    def call_later(self, seconds: float, step: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, step)

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)
        if not self._thread.is_alive():
            self._loop.close()


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
