"""One process holds a store: a lock that goes with the process, and says whose it is."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from nbfaas.errors.delivery import EventStoreHeld, EventStoreUnavailable

_COMMAND = 100  # characters


class StoreLock:
    """Holds the store at ``path`` until ``release``. Raises ``EventStoreHeld``, naming who holds
    it, and ``EventStoreUnavailable``.

    The lock is the kernel's (``flock``): however the process ends, it is given up. Who holds it
    lies as text in the locked file, ``<path>.lock``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.with_name(path.name + ".lock")
        try:
            self._descriptor = self._locked()
            try:
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, _this_process().encode(), 0)
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
        os.close(self._descriptor)

    def leave_to_parent(self) -> None:
        """In a forked child: the lock stays the parent's, and ends with the parent."""
        os.close(self._descriptor)

    def _locked(self) -> int:
        while True:
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # The file may have been removed by who held it, between the two calls above.
                if self._is_there(descriptor):
                    return descriptor
            except BlockingIOError:
                holder = os.pread(descriptor, 1000, 0).decode(errors="replace")
                os.close(descriptor)
                own = holder.startswith(f"pid {os.getpid()} ")
                raise EventStoreHeld(str(self.path), _named(holder, own), own) from None
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _is_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self._file))
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
