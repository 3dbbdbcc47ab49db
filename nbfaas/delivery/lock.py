"""One process holds a store: a lock that goes with the process, and says whose it is."""

from __future__ import annotations

import fcntl
import os
import time
from io import FileIO
from pathlib import Path

from nbfaas.errors.delivery import EventStoreHeld, EventStoreUnavailable
from nbfaas.forking import close_in_children

_COMMAND = 100  # characters


class StoreLock:
    """Holds the store at ``path`` until ``release``. Raises ``EventStoreHeld``, naming who holds
    it, and ``EventStoreUnavailable``.

    The lock is the kernel's (``flock``): however the process ends, it is given up, and children
    that were forked never have it. Who holds it lies as text in the locked file, ``<path>.lock``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.with_name(path.name + ".lock")
        try:
            self._held = self._locked()
            try:
                self._held.truncate(0)
                os.pwrite(self._held.fileno(), _this_process().encode(), 0)
            except OSError:  # the disk is full: whoever tries again must not find it held
                self.release()
                raise
        except OSError as error:
            fix = "Choose a folder of this machine that you may write to: NBFAAS_DATA_DIR=… ."
            raise EventStoreUnavailable(str(path), f"{error}", fix) from error

    def __repr__(self) -> str:
        return f"<StoreLock {self._file}>"

    def release(self) -> None:
        """Give the lock up and remove its file."""
        self._file.unlink(missing_ok=True)  # while it is held: nobody else's can be removed
        self._held.close()

    def _locked(self) -> FileIO:
        while True:
            file = FileIO(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600), "r+")
            close_in_children(file)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # The file may have been removed by who held it, between the two calls above.
                if self._is_there(file):
                    return file
            except BlockingIOError:
                holder = file.read(1000).decode(errors="replace")
                file.close()
                own = holder.startswith(f"pid {os.getpid()} ")
                raise EventStoreHeld(str(self.path), _named(holder, own), own) from None
            except BaseException:
                file.close()
                raise
            file.close()

    def _is_there(self, file: FileIO) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), os.stat(self._file))
        except FileNotFoundError:
            return False


def _this_process() -> str:
    """``pid 4711 (python -m ipykernel_launcher …), since 14:03 on 2026-11-23``."""
    try:
        words = Path("/proc/self/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        words = []
    command = " ".join(word for word in words if word)
    if len(command) > _COMMAND:
        command = command[:_COMMAND] + "…"
    return f"pid {os.getpid()} ({command}), since {time.strftime('%H:%M on %Y-%m-%d')}"


def _named(holder: str, own: bool) -> str:
    if not holder:
        return "another process, which is opening it"
    return f"this very process, {holder}" if own else holder
