"""A disk that loses power: it knows what was written and what was synced, and can be read as it
might be found after the power came back.

What is assumed of it, as SQLite assumes it too (sqlite.org/atomiccommit.html, "Hardware
Assumptions"): what was synced is there; of what was written to a file after its last sync, any
part may be there and any may be missing, in sectors of 512 bytes and in any order; a sector that
is there is whole. A file's size may or may not have grown. A directory entry is there once the
file has been synced, because SQLite syncs the directory with the first sync of a -wal that it has
made, and the store syncs the directory that it renames the main file into; a file that was never
synced may be missing altogether. Deletions take effect at once.

The -shm file is no concern: SQLite makes it anew from the -wal when the store is next opened.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import apsw

SECTOR = 512


class Recorded:
    """A file: as it is on the disk for certain, and what was written since, oldest first."""

    def __init__(self) -> None:
        self.synced = b""
        self.was_synced = False
        self.unsynced: list[tuple[int, bytes]] = []  # offset; or a new size, with no bytes

    def sync(self) -> None:
        self.synced = self.after(lambda: True)
        self.was_synced = True
        self.unsynced.clear()

    def after(self, survives: Any) -> bytes:
        """The contents, if of each sector that was written ``survives()`` says whether it is
        there."""
        contents = bytearray(self.synced)
        for offset, data in self.unsynced:
            if not data:
                if survives():
                    del contents[offset:]
                continue
            for start in range(0, len(data), SECTOR):
                if survives():
                    part = data[start : start + SECTOR]
                    begin = offset + start
                    if len(contents) < begin:
                        contents += bytes(begin - len(contents))
                    contents[begin : begin + len(part)] = part
        return bytes(contents)


class LosingDisk(apsw.VFS):
    """The default VFS while it is registered; writes through to the real files."""

    def __init__(self) -> None:
        self.files: dict[str, Recorded] = {}
        self.on_step: Any = None  # called before each write and each sync
        super().__init__("losing-disk", "unix", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> Any:
        return _File(self, name, flags)

    def xDelete(self, name: str, sync_directory: bool) -> None:
        self.files.pop(os.path.basename(name), None)
        super().xDelete(name, sync_directory)

    def step(self) -> None:
        if self.on_step is not None:
            self.on_step()

    def renamed(self, old: str, new: str) -> None:
        self.files[new] = self.files.pop(old)

    def remains(self, folder: Path, chance: random.Random) -> None:
        """Write into ``folder`` what there is after the power was lost now."""
        share = chance.choice((0.0, 0.0, 0.1, 0.5, 0.9, 1.0))
        for name, recorded in list(self.files.items()):
            if not recorded.was_synced and chance.random() > share:
                continue
            contents = recorded.after(lambda: chance.random() < share)
            (folder / name).write_bytes(contents)


class _File(apsw.VFSFile):
    def __init__(self, disk: LosingDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._name = os.path.basename(path) if path else ""
        super().__init__("unix", name, flags)

    @property
    def _recorded(self) -> Recorded:
        return self._disk.files.setdefault(self._name, Recorded())

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.step()
        self._recorded.unsynced.append((offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        self._disk.step()
        self._recorded.unsynced.append((size, b""))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        self._disk.step()
        super().xSync(flags)
        self._recorded.sync()
