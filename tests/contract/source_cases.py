"""The sources that the suite in ``test_sources.py`` is run with. A further one is a class here, and
a line in ``CASES``; queues are in ``queue_cases.py``."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from nbfaas.agent.event import Event
from nbfaas.triggers.file_source import FileSource
from nbfaas.triggers.schedule import ScheduleSource
from nbfaas.triggers.source import Intake, Source

Bad = tuple[Callable[[], Source], str]
"""Makes a source with a bad option, and that option's name."""


class SourceCase(ABC):
    """One kind of source, and the world that it listens to. ``folder`` is empty, for any use."""

    bad: ClassVar[Sequence[Bad]]
    keeps: ClassVar[bool] = True
    """Whether what happens while no source runs is there to be told later."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def world(self) -> AbstractAsyncContextManager[object]:
        """What is there during a test, such as a server."""
        return nullcontext()

    @abstractmethod
    def source(self) -> Source:
        """A new source of this world, as a new process would make it; always with one name."""

    @abstractmethod
    async def happen(self, times: int) -> list[str]:
        """Let so many things happen in the world; return a name for each."""

    async def happen_unheard(self, times: int) -> list[str]:
        """The same, while no source runs; return what is there to be told."""
        return await self.happen(times) if self.keeps else []

    @abstractmethod
    def told(self, event: Event) -> Iterable[str]:
        """Which happenings an event tells of, by those names."""

    def has_begun(self, intake: Intake) -> bool:
        """Whether what happens from now on must be told, though the source is stopped."""
        return True


class ClockCase(SourceCase):
    """A schedule, and a clock that goes on when something is to happen. One run is one happening;
    a tick tells of itself and of those that it stands for."""

    when: ClassVar[str | float]
    step: ClassVar[timedelta]

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def source(self) -> Source:
        return ScheduleSource("tick", self.when, clock=lambda: self.now.timestamp(), sleep=_glance)

    async def happen(self, times: int) -> list[str]:
        names = []
        for _ in range(times):
            self.now += self.step
            names.append(self.now.isoformat())
            await asyncio.sleep(0.015)
        return names

    def told(self, event: Event) -> Iterable[str]:
        return [
            (event.time - before * self.step).isoformat()
            for before in range(event.data["missed"] + 1)
        ]

    def has_begun(self, intake: Intake) -> bool:
        return intake.state is not None


async def _glance(_: float) -> None:
    await asyncio.sleep(0.01)


class CronCase(ClockCase):
    when = "*/5 * * * *"
    step = timedelta(minutes=5)
    bad = (
        (lambda: ScheduleSource("tick", "61 * * * *"), "cron"),
        (lambda: ScheduleSource("tick", "* * *"), "cron"),
        (lambda: ScheduleSource("tick", "0 0 30 2 *"), "cron"),
        (lambda: ScheduleSource("tick", "* * * * *", timezone="Europe/Berln"), "timezone"),
    )


class EveryCase(ClockCase):
    when = 10.0
    step = timedelta(seconds=10)
    bad = (
        (lambda: ScheduleSource("tick", 0.05), "seconds"),
        (lambda: ScheduleSource("tick", float("nan")), "seconds"),
        (lambda: ScheduleSource("tick", -1), "seconds"),
    )


class FileCase(SourceCase):
    """Files that are written, slowly written, moved in and modified."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._count = 0
        (folder / "inbox" / "sub").mkdir(parents=True)

    bad = (
        (lambda: FileSource("in", ""), "pattern"),
        (lambda: FileSource("in", "inbox/"), "pattern"),
        (lambda: FileSource("in", "inbox/*/../x"), "pattern"),
        (lambda: FileSource("in", "*.csv", events=("made",)), "events"),
        (lambda: FileSource("in", "*.csv", events=()), "events"),
        (lambda: FileSource("in", "*.csv", stable=-1), "stable"),
        (lambda: FileSource("in", "*.csv", existing=_any("yes")), "existing"),
    )

    def source(self) -> Source:
        return FileSource("in", self.folder / "inbox" / "**" / "*.csv", stable=0.1)

    async def happen(self, times: int) -> list[str]:
        names = []
        for _ in range(times):
            self._count += 1
            name = f"{'sub/' if self._count % 2 else ''}{self._count}.csv"
            path = self.folder / "inbox" / name
            if self._count % 3:
                path.write_text("a,b\n")
            else:
                (self.folder / "elsewhere").write_text("a,b\n")
                (self.folder / "elsewhere").rename(path)
            names.append(name)
            await asyncio.sleep(0.02)
        return names

    def told(self, event: Event) -> Iterable[str]:
        assert event.subject is not None
        return [event.subject]


def _any(value: Any) -> Any:
    return value


CASES = [
    pytest.param(CronCase, id="cron"),
    pytest.param(EveryCase, id="every"),
    pytest.param(FileCase, id="file"),
]
