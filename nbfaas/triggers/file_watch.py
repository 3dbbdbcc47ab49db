"""Hearing from the kernel that something beneath a folder has changed."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from nbfaas.triggers.file_pattern import FilePattern, identify
from nbfaas.triggers.threads import in_thread

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

_STEP = 50  # ms; changes that follow each other more closely are heard of together,
_TOGETHER = 200  # ms; for no longer than this. Stopping takes one step.


class Watch:
    """Sets ``changed`` after each change beneath the pattern's folder, while it is entered.

    ``folder`` is the identity of what is watched, None if there is no such folder; ``stale``, that
    it was moved or deleted, so that nothing more is heard (another one may have its identity).
    ``problem`` says why nothing is heard though the folder is there.
    """

    def __init__(self, pattern: FilePattern) -> None:
        self.changed = asyncio.Event()
        self.folder: tuple[int, int] | None = None
        self.stale = False
        self.problem: str | None = None
        self._pattern = pattern
        self._hearing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Watch:
        loop = asyncio.get_running_loop()
        begun = asyncio.Event()
        self._hearing = loop.create_task(
            in_thread(
                lambda stop: self._listen(
                    stop,
                    lambda: loop.call_soon_threadsafe(begun.set),
                    lambda: loop.call_soon_threadsafe(self.changed.set),
                ),
                "nbfaas-watch",
            )
        )
        waiting = loop.create_task(begun.wait())
        try:
            await asyncio.wait([waiting, self._hearing], return_when=asyncio.FIRST_COMPLETED)
            if self._hearing.done():
                self._hearing.result()
        except BaseException:
            await self._end()
            raise
        finally:
            waiting.cancel()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def _end(self) -> None:
        hearing, cancelled = self._hearing, None
        assert hearing is not None
        hearing.cancel()
        while not hearing.done():
            try:
                await asyncio.wait([hearing])
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled

    def _listen(
        self, stop: threading.Event, ready: Callable[[], object], tell: Callable[[], object]
    ) -> None:
        """In a thread, until ``stop``."""
        self.folder = identify(self._pattern.folder)
        if self.folder is None:
            return
        try:
            with contextlib.closing(_notify(self._pattern)) as notify:
                ready()
                while isinstance(heard := notify.watch(_TOGETHER, _STEP, 0, stop), set):
                    self.stale |= any(path == self._pattern.folder for _, path in heard)
                    tell()
        except FileNotFoundError:
            self.folder = None
        except (OSError, RuntimeError) as error:
            self.problem = (
                f"changes in {self._pattern.folder} can't be heard of ({error}), so they are "
                "looked for every few seconds. Mostly, fs.inotify.max_user_watches or "
                "max_user_instances is to be raised."
            )


def _notify(pattern: FilePattern) -> RustNotify:
    from watchfiles._rust_notify import RustNotify  # documented as watchfiles' "Rust backend"

    return RustNotify([pattern.folder], False, False, 300, pattern.deep, True)
