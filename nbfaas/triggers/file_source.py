"""``FileSource``: events for files that are created, modified, deleted."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from nbfaas.agent.event import Event
from nbfaas.errors.delivery import BadTrigger
from nbfaas.triggers.file_looking import Looking
from nbfaas.triggers.file_pattern import FilePattern
from nbfaas.triggers.file_reporting import Reporting
from nbfaas.triggers.file_settling import ChangeKind, FileChange
from nbfaas.triggers.file_watch import Watch
from nbfaas.triggers.source import Intake, Source
from nbfaas.triggers.threads import in_thread

_MISSING_PAUSE = 0.5  # seconds between two looks whether the folder is there
_LONGEST_STABLE = 3600.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FileSource(Source):
    """An event of type ``nbfaas.file.created``, ``.modified`` or ``.deleted`` for each change of a
    file that ``pattern`` means (see ``FilePattern``), once the file's size and time of modification
    have not changed for ``stable`` seconds.

    What counts is how the folder looks, compared with what is remembered. That something changes is
    heard from the kernel; and it is looked for every 10 s besides, or less often if looking takes
    long. So files are found that are moved in, that come by the thousand, or that came while
    nothing ran; of several changes between two looks, the outcome. Each version of a file (path,
    inode, size, time of modification) has one event. Under its new name a renamed file is a created
    one, and under its old name a deleted one.

    ``existing``: whether the files that are there at the very first start count as created. True by
    default, because people put files in first. If the folder is not there, ``problem`` says so, and
    the source waits for it; the files of a folder that goes and comes back were not deleted. What
    can't be read is an error (``PathUnreadable``).

    An event's ``subject`` is the path relative to ``folder``; its ``data`` has ``path`` (absolute,
    on the host), ``folder``, ``name``, ``size`` (bytes) and ``modified_at`` (ISO, UTC). The
    source's ``name`` is the trigger's. Raises ``BadTrigger``.
    """

    kind: ClassVar[str] = "file"

    def __init__(
        self,
        name: str,
        pattern: str | Path,
        *,
        events: Sequence[str] = ("created", "modified"),
        stable: float = 0.5,
        existing: bool = True,
    ) -> None:
        self._name = name
        self._pattern = FilePattern.parse(pattern)
        self._wanted = _kinds(events)
        is_number = isinstance(stable, int | float) and not isinstance(stable, bool)
        if not is_number or not math.isfinite(stable) or not 0 <= stable <= _LONGEST_STABLE:
            wanted = f"it must be a number of seconds, from 0 to {_LONGEST_STABLE:,.0f}"
            raise BadTrigger("file", "stable", stable, wanted)
        if not isinstance(existing, bool):
            raise BadTrigger("file", "existing", existing, "it must be True or False")
        self._stable = float(stable)
        self._existing = existing

    @property
    def folder(self) -> str:
        """The absolute folder that all files of the pattern are in; it need not be there yet."""
        return self._pattern.folder

    def describe(self) -> str:
        return self._pattern.text

    async def run(self, intake: Intake) -> None:
        looking = Looking(
            self._pattern, intake.state, self._stable, self._wanted, existing=self._existing
        )
        reporting = Reporting(intake, self._pattern, looking.settling, self._event)
        while True:
            async with Watch(self._pattern) as watch:
                await self._follow(watch, looking, reporting)

    async def _follow(self, watch: Watch, looking: Looking, reporting: Reporting) -> None:
        """Returns once the folder is another one than is watched, or can't be heard any more."""
        while True:
            watch.changed.clear()
            due = await in_thread(looking.look, "nbfaas-file")
            self.problem = looking.problem or watch.problem
            await reporting.report(due)
            if watch.stale or looking.folder != watch.folder:
                return
            if looking.folder is None:
                await asyncio.sleep(_MISSING_PAUSE)
                continue
            await asyncio.sleep(looking.rest)
            until = min(looking.again_at(deaf=watch.problem is not None), reporting.due_at)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(until - time.monotonic()):
                    await watch.changed.wait()

    def _event(self, change: FileChange) -> Event:
        version = change.version
        path = f"{self.folder.rstrip('/')}/{change.path}"
        return Event(
            f"nbfaas.file.{change.kind}",
            {
                "path": path,
                "folder": self.folder,
                "name": change.path.rpartition("/")[2],
                "size": version.size,
                "modified_at": _moment(version.mtime_ns),
            },
            source=Path(self.folder).as_uri(),
            id=f"{self._name}:{change.kind}:{change.path}"
            f"@{version.inode}-{version.mtime_ns}-{version.size}",
            subject=change.path,
        )


def _kinds(events: object) -> tuple[ChangeKind, ...]:
    names = [kind.value for kind in ChangeKind]
    given = () if isinstance(events, str) or not isinstance(events, Sequence) else tuple(events)
    if not given or any(name not in names for name in given):
        wanted = f"it must be a tuple of some of {', '.join(map(repr, names))}"
        raise BadTrigger("file", "events", events, wanted)
    return tuple(ChangeKind(name) for name in given)


def _moment(mtime_ns: int) -> str | None:
    """None if the file is said to be of a year that no calendar has."""
    try:
        return (_EPOCH + timedelta(microseconds=mtime_ns // 1000)).isoformat()
    except OverflowError:
        return None
