"""A disk that fails when told to: SQLite's own way to files, with errors put in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw


class FailingDisk(apsw.VFS):
    """The default VFS while ``inserted``. ``failures``: what a method (xWrite, xSync, xRead)
    raises; a class of apsw's errors."""

    def __init__(self) -> None:
        self.failures: dict[str, type[Exception]] = {}
        super().__init__("failing-disk", "unix", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> Any:
        return _File(self, name, flags)

    def check(self, method: str) -> None:
        if method in self.failures:
            raise self.failures[method](f"{method} failed, as the test wants it")


class _File(apsw.VFSFile):
    def __init__(self, disk: FailingDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.check("xWrite")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        self._disk.check("xSync")
        super().xSync(flags)

    def xRead(self, amount: int, offset: int) -> bytes:
        self._disk.check("xRead")
        return super().xRead(amount, offset)


@contextmanager
def inserted() -> Iterator[FailingDisk]:
    disk = FailingDisk()
    try:
        yield disk
    finally:
        disk.unregister()
