"""One look after another at the files of a pattern."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from nbfaas.triggers.file_pattern import FilePattern, Found, scan
from nbfaas.triggers.file_settling import ChangeKind, FileChange, Settling
from nbfaas.triggers.file_state import Remembered

_PERIOD, _SHARE = 10.0, 50  # seconds between looks; of the time, looking takes one part in so many
_DEAF_PERIOD, _DEAF_SHARE = 2.0, 20  # the same, where changes can't be heard of
_REST_SHARE = 4  # under constant change
_LEAST_REST = 0.05  # seconds
_SECOND_LOOK = 0.5
"""Seconds. What is created inside of a new folder before that is watched is not heard of."""


class Looking:
    """Remembers what was seen; ``state`` is what the intake has kept. Times are monotonic."""

    def __init__(
        self,
        pattern: FilePattern,
        state: Mapping[str, Any] | None,
        stable: float,
        wanted: Iterable[ChangeKind],
        *,
        existing: bool,
    ) -> None:
        self._pattern = pattern
        self._existing = existing
        before = Remembered.from_state(state)
        same = before is not None and before.folder == pattern.folder
        self.settling = Settling(before.known if before and same else {}, stable, wanted)
        self._is_new = before is None or not same or before.parts != pattern.parts
        self._found = Found(None, {})
        self._began = self._ended = self._look_again_at = 0.0

    def look(self, stop: threading.Event) -> list[FileChange]:
        """The changes that are due. Blocks: for a thread. Raises ``PathUnreadable``."""
        began = time.monotonic()
        found = scan(self._pattern, stop)
        if stop.is_set():
            return []
        if self._is_new and (found.folder is not None or not self.settling.known):
            self._meet(found)
        if (found.files, found.folders) != (self._found.files, self._found.folders):
            self._look_again_at = began + _SECOND_LOOK
        self._found, self._began = found, began
        due = [] if found.folder is None else self._settle(found)
        self._ended = time.monotonic()
        return due

    def _meet(self, found: Found) -> None:
        """The first look with this pattern: what it no longer means is forgotten, and not deleted;
        of what it newly means, ``existing`` says whether it is created."""
        self._is_new = False
        settling = self.settling
        kept = {path: old for path, old in settling.known.items() if path in found.files}
        settling.known = kept if self._existing else {**found.files, **kept}
        settling.noted += 1  # also that it has been started is to be remembered

    def _settle(self, found: Found) -> list[FileChange]:
        return self.settling.look(found.files, self._began, time.monotonic())

    @property
    def folder(self) -> tuple[int, int] | None:
        """The identity of the pattern's folder when it was last looked at."""
        return self._found.folder

    @property
    def problem(self) -> str | None:
        """What is wrong with what was seen, if anything."""
        folder = self._pattern.folder
        if self._found.folder is None:
            what = "is no folder" if os.path.exists(folder) else "is not there (yet)"
            return f"{folder} {what}; its files are looked at as soon as it is a folder"
        path = os.path.join(folder, *self._pattern.parts)
        if not self._found.files and os.path.isdir(path):
            return f"{path} is a folder; for the files in it, the pattern is {path}/*"
        if self._found.unnamed:
            return (
                f"{self._found.unnamed} names in {folder} are no UTF-8, and are left out; "
                "rename them"
            )
        return None

    @property
    def rest(self) -> float:
        """Seconds for which not to look again, whatever changes."""
        return max(_LEAST_REST, _REST_SHARE * (self._ended - self._began))

    def again_at(self, *, deaf: bool) -> float:
        """When to look again though nothing was heard."""
        period, share = (_DEAF_PERIOD, _DEAF_SHARE) if deaf else (_PERIOD, _SHARE)
        at = self._ended + max(period, share * (self._ended - self._began))
        if self._look_again_at > self._began:
            at = min(at, self._look_again_at)
        return min(at, math.inf if (due := self.settling.due_at) is None else due)
