"""Where log lines go: a file that is begun anew before it grows too large, or standard error."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

STANDARD_ERROR = "stderr"


class Sink(Protocol):
    def write(self, data: bytes) -> int:
        """Write the beginning of ``data``, which is whole lines; return how many bytes of it. To be
        called again with the rest. Raises ``OSError``; then nothing was written."""
        ...

    def close(self) -> None: ...


class StandardError:
    """Descriptor 2, past ``sys.stderr``: in a kernel that would be a cell's output."""

    def write(self, data: bytes) -> int:
        return os.write(2, data)

    def close(self) -> None:
        """It stays open."""


class LogFile:
    """``path``, and up to ``keep`` older ones: ``path.1`` is the latest of them. None is larger
    than ``max_bytes``, but for a single line that is.

    Only its owner may read it: it has what functions print. Several processes may write to the
    same path, and others may move the file away (logrotate): it is looked after at every write.
    """

    def __init__(self, path: Path, max_bytes: int, keep: int) -> None:
        """Opens the file, and makes its folder. Raises ``OSError``."""
        self.path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._descriptor = -1
        self._path_opened()

    def __repr__(self) -> str:
        return f"<LogFile {self.path}>"

    def write(self, data: bytes) -> int:
        size = self._path_opened()
        if size + len(data) > self._max_bytes:
            end = data.rfind(b"\n", 0, max(0, self._max_bytes - size)) + 1
            if not end and size:
                self._rotate()
                return 0
            data = data[: end or data.index(b"\n") + 1]
        return os.write(self._descriptor, data)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _path_opened(self) -> int:
        """See that the descriptor is that of the file at the path; return the file's size."""
        if self._descriptor >= 0:
            ours = os.fstat(self._descriptor)
            try:
                there = os.stat(self.path)
            except FileNotFoundError:
                pass
            else:
                if (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino):
                    return ours.st_size
            self.close()
        if not self.path.parent.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(self.path, flags, 0o600)
        return os.fstat(self._descriptor).st_size

    def _rotate(self) -> None:
        self.close()
        for number in range(self._keep, 0, -1):
            older = self._numbered(number - 1) if number > 1 else self.path
            if older.exists():
                os.replace(older, self._numbered(number))
        if not self._keep:
            self.path.unlink(missing_ok=True)

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")
