"""Threads of the host for calls that block."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor


class HostThreads(ThreadPoolExecutor):
    """They work while Python ends, too, when nbfaas closes: from 3.12 on no thread can be started
    then, and those that there are do it all."""

    def _adjust_thread_count(self) -> None:
        try:
            super()._adjust_thread_count()
        except RuntimeError:
            if not self._threads:
                raise
