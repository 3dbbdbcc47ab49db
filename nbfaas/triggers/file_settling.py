"""Which changes of files are due: what differs from what is known, and has come to rest. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from nbfaas.triggers.file_pattern import Version


class ChangeKind(StrEnum):
    CREATED = "created"
    MODIFIED = "modified"
    DELETED = "deleted"


class FileChange(msgspec.Struct, frozen=True, gc=False):
    """``version`` is the file's as it is now; of a deleted one, as it was last known."""

    kind: ChangeKind
    path: str
    version: Version


class Settling:
    """``known`` is what each file was when it was last dealt with. A change is due once it was seen
    unchanged for ``stable`` seconds; that a file is gone as well, because many programs save by
    deleting the old file first. Changes of a kind that is not in ``wanted`` are only noted."""

    def __init__(
        self, known: Mapping[str, Version], stable: float, wanted: Iterable[ChangeKind]
    ) -> None:
        self.known = dict(known)
        self.noted = 0
        """Goes up whenever ``known`` changes."""
        self._stable = stable
        self._wanted = frozenset(wanted)
        self._moving: dict[str, tuple[Version | None, float]] = {}

    def look(self, files: Mapping[str, Version], begun: float, ended: float) -> list[FileChange]:
        """The changes that are due, the longest unchanged first, given what was seen between
        ``begun`` and ``ended`` (seconds, monotonic). They stay due until they are ``done``."""
        moving: dict[str, tuple[Version | None, float]] = {}
        known = self.known
        for path, seen in files.items():
            if known.get(path) != seen:
                moving[path] = self._since(path, seen, ended)
        for path in known.keys() - files.keys():
            moving[path] = self._since(path, None, ended)
        self._moving = moving
        due = []
        for path, (version, since) in moving.items():
            if begun - since >= self._stable or not self._stable:
                due.append((since, self._change(path, version)))
        self.done([change for _, change in due if change.kind not in self._wanted])
        wanted = [each for each in due if each[1].kind in self._wanted]
        wanted.sort(key=lambda each: (each[0], each[1].version.mtime_ns, each[1].path))
        return [change for _, change in wanted]

    def done(self, changes: Iterable[FileChange]) -> None:
        for change in changes:
            self.noted += 1
            self._moving.pop(change.path, None)
            if change.kind is ChangeKind.DELETED:
                self.known.pop(change.path, None)
            else:
                self.known[change.path] = change.version

    @property
    def due_at(self) -> float | None:
        """When the next change can be due; None if nothing changes."""
        if not self._moving:
            return None
        return min(since for _, since in self._moving.values()) + self._stable

    def _since(
        self, path: str, version: Version | None, now: float
    ) -> tuple[Version | None, float]:
        before = self._moving.get(path)
        return before if before is not None and before[0] == version else (version, now)

    def _change(self, path: str, version: Version | None) -> FileChange:
        if version is None:
            return FileChange(ChangeKind.DELETED, path, self.known[path])
        kind = ChangeKind.MODIFIED if path in self.known else ChangeKind.CREATED
        return FileChange(kind, path, version)
