"""A process that looks at a folder is killed, at any moment, again and again."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

from intakes import StoreIntake
from running import running, until

from nbfaas.triggers.file_source import FileSource

FILES, KILLS = 600, 12


async def test_killed_at_any_moment_it_tells_every_file_once(tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    names = [f"{number}.csv" for number in range(FILES)]
    dropping = asyncio.create_task(_drop(inbox, names))
    chance = random.Random(4)
    for _ in range(KILLS):
        process = _look_elsewhere(tmp_path)
        try:
            assert process.stdout is not None
            await asyncio.to_thread(process.stdout.readline)
            await asyncio.sleep(chance.uniform(0, 0.5))
        finally:
            process.kill()
            process.communicate()
    await dropping
    intake = StoreIntake(tmp_path / "events.db")
    told_before = len(intake.history())
    async with running(_source(tmp_path), intake):
        await until(lambda: len(intake.history()) >= FILES)
        await asyncio.sleep(0.3)
    told = [event.subject for event in intake.history()]
    intake.close()
    assert told_before > FILES / 10
    assert sorted(told) == sorted(names)


async def _drop(inbox: Path, names: list[str]) -> None:
    for name in names:
        (inbox / name).write_text(name)
        await asyncio.sleep(0.008)


def _source(folder: Path) -> FileSource:
    return FileSource("in", folder / "inbox" / "*.csv", stable=0.05)


def _look_elsewhere(folder: Path) -> subprocess.Popen[bytes]:
    """In a process, which says when it has begun."""
    places = {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, __file__, str(folder)], stdout=subprocess.PIPE, env=os.environ | places
    )


async def _look(folder: Path) -> None:
    intake = StoreIntake(folder / "events.db")
    print("looking", flush=True)
    await _source(folder).run(intake)


if __name__ == "__main__":
    asyncio.run(_look(Path(sys.argv[1])))
