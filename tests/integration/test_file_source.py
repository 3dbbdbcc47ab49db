"""Files that come and go in real folders."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import json
import os
import resource
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from intakes import KeptIntake
from rights import opening_files_as_nobody
from running import running, until

from nbfaas.errors.sources import PathUnreadable
from nbfaas.triggers.file_source import FileSource
from nbfaas.triggers.file_state import Remembered

ALL = ("created", "modified", "deleted")


@pytest.fixture
def inbox(tmp_path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture
def intake() -> KeptIntake:
    return KeptIntake()


def source(inbox: Path, pattern: str = "*.csv", **options) -> FileSource:
    return FileSource("in", inbox / pattern, **{"events": ALL, "stable": 0.1, **options})


@contextlib.contextmanager
def no_inotify_instances_left() -> Iterator[None]:
    """Take all that this user may have (``fs.inotify.max_user_instances``), and give them back."""
    libc = ctypes.CDLL(None, use_errno=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    taken: list[int] = []
    try:
        refused_since = time.monotonic()
        while time.monotonic() < refused_since + 1:  # watchers that have ended close a moment later
            if (instance := libc.inotify_init1(os.O_CLOEXEC)) >= 0:
                taken.append(instance)
                refused_since = time.monotonic()
                continue
            assert ctypes.get_errno() == errno.EMFILE
            time.sleep(0.01)
        assert len(taken) < hard - 100  # it was not the limit of descriptors
        yield
    finally:
        for instance in taken:
            os.close(instance)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def known(intake: KeptIntake) -> set[str]:
    return set() if intake.state is None else set(Remembered.from_state(intake.state).known)


async def test_an_event_says_which_file_it_was(inbox, intake):
    (inbox / "sub").mkdir()
    (inbox / "sub" / "a b.csv").write_text("1,2\n")
    os.utime(inbox / "sub" / "a b.csv", ns=(0, 1_700_000_000_123_456_789))
    async with running(subject := source(inbox, "**/*.csv"), intake):
        await until(lambda: intake.events)
    event = intake.events[0]
    assert subject.folder == str(inbox)
    assert event.type == "nbfaas.file.created"
    assert event.source == inbox.as_uri()
    assert event.subject == "sub/a b.csv"
    assert event.data == {
        "path": f"{inbox}/sub/a b.csv",
        "folder": str(inbox),
        "name": "a b.csv",
        "size": 4,
        "modified_at": "2023-11-14T22:13:20.123456+00:00",
    }


async def test_created_modified_renamed_and_deleted_files_are_told(inbox, intake):
    async with running(source(inbox), intake):
        (inbox / "a.csv").write_text("1")
        await until(lambda: intake.told == [("created", "a.csv")])
        (inbox / "a.csv").write_text("12")
        await until(lambda: intake.told[1:] == [("modified", "a.csv")])
        (inbox / "a.csv").rename(inbox / "b.csv")
        await until(lambda: len(intake.told) == 4)
        assert set(intake.told[2:]) == {("created", "b.csv"), ("deleted", "a.csv")}
        (inbox / "b.csv").unlink()
        await until(lambda: intake.told[4:] == [("deleted", "b.csv")])


async def test_a_file_that_is_moved_in_is_told_though_it_was_not_written_here(inbox, intake):
    (inbox.parent / "done.csv").write_text("1")
    async with running(source(inbox), intake):
        await until(lambda: intake.state is not None)
        (inbox.parent / "done.csv").rename(inbox / "done.csv")
        await until(lambda: intake.told == [("created", "done.csv")], 5)


async def test_a_file_that_is_written_slowly_is_told_once_when_it_is_complete(inbox, intake):
    async with running(source(inbox, stable=0.6), intake):
        with (inbox / "slow.csv").open("w") as file:
            for number in range(10):
                file.write(f"{number}\n")
                file.flush()
                await asyncio.sleep(0.1)
        await until(lambda: intake.events)
        await asyncio.sleep(0.3)
    assert [event.data["size"] for event in intake.events] == [20]


async def test_a_file_that_is_saved_as_editors_do_is_modified(inbox, intake):
    (inbox / "a.csv").write_text("1")
    async with running(source(inbox), intake):
        await until(lambda: len(intake.events) == 1)
        (inbox / ".a.csv.swp").write_text("12")
        (inbox / ".a.csv.swp").replace(inbox / "a.csv")
        await until(lambda: len(intake.events) == 2)
    assert intake.told == [("created", "a.csv"), ("modified", "a.csv")]


async def test_a_burst_of_five_thousand_files_is_told_completely_and_in_batches(inbox, intake):
    batches: list[int] = []

    async def count() -> None:
        batches.append(len(intake.current))

    intake.before = count
    async with running(source(inbox, "**/*.csv"), intake):
        await until(lambda: intake.state is not None)
        for number in range(5_000):
            folder = inbox / str(number % 7)
            folder.mkdir(exist_ok=True)
            (folder / f"{number}.csv").write_text("x")
            if number % 500 == 0:
                await asyncio.sleep(0.02)
        await until(lambda: len(intake.events) == 5_000, 60)
        await until(lambda: len(known(intake)) == 5_000)
    assert {event.subject for event in intake.events} == {f"{n % 7}/{n}.csv" for n in range(5_000)}
    assert max(batches) <= 500
    assert len(intake.states) < 25


async def test_what_changed_while_it_was_stopped_is_told(inbox, intake):
    for name in ("same", "changed", "gone", "renamed"):
        (inbox / f"{name}.csv").write_text("1")
    async with running(source(inbox), intake):
        await until(lambda: len(known(intake)) == 4)
    del intake.events[:]
    (inbox / "changed.csv").write_text("12")
    (inbox / "gone.csv").unlink()
    (inbox / "renamed.csv").rename(inbox / "moved.csv")
    async with running(source(inbox), intake):
        await until(lambda: len(intake.events) == 4)
        await asyncio.sleep(0.3)
    assert sorted(intake.told) == [
        ("created", "moved.csv"),
        ("deleted", "gone.csv"),
        ("deleted", "renamed.csv"),
        ("modified", "changed.csv"),
    ]


async def test_only_the_kinds_that_were_asked_for_are_told(inbox, intake):
    async with running(source(inbox, events=("modified",)), intake):
        (inbox / "a.csv").write_text("1")
        await until(lambda: known(intake) == {"a.csv"})
        (inbox / "a.csv").write_text("12")
        await until(lambda: intake.events)
        (inbox / "a.csv").unlink()
        await until(lambda: not known(intake))
    assert intake.told == [("modified", "a.csv")]


async def test_files_that_were_there_first_can_be_left_out(inbox, intake):
    (inbox / "old.csv").write_text("1")
    async with running(source(inbox, existing=False), intake):
        await until(lambda: known(intake) == {"old.csv"})
    (inbox / "new.csv").write_text("1")
    async with running(source(inbox, existing=False), intake):
        await until(lambda: intake.told == [("created", "new.csv")])
        (inbox / "old.csv").write_text("12")
        await until(lambda: intake.told[1:] == [("modified", "old.csv")])


async def test_another_pattern_of_the_folder_tells_only_what_is_new(inbox, intake):
    for name in ("a.csv", "b.txt", "c.csv"):
        (inbox / name).write_text("1")
    async with running(source(inbox), intake):
        await until(lambda: known(intake) == {"a.csv", "c.csv"})
    async with running(source(inbox, "[ab].*"), intake):
        await until(lambda: known(intake) == {"a.csv", "b.txt"})
    assert sorted(intake.told[:2]) == [("created", "a.csv"), ("created", "c.csv")]
    assert intake.told[2:] == [("created", "b.txt")]


async def test_another_folder_begins_anew(inbox, intake):
    (inbox / "a.csv").write_text("1")
    (inbox.parent / "a.csv").write_text("1")
    async with running(source(inbox), intake):
        await until(lambda: len(intake.events) == 1)
    async with running(source(inbox.parent), intake):
        await until(lambda: len(intake.events) == 2)
    assert {event.type for event in intake.events} == {"nbfaas.file.created"}


async def test_a_folder_that_is_not_there_yet_is_waited_for(inbox, intake):
    subject = source(inbox / "later" / "in", existing=False)
    async with running(subject, intake):
        await until(lambda: subject.problem)
        assert f"{inbox}/later/in is not there" in subject.problem
        (inbox / "later" / "in").mkdir(parents=True)
        (inbox / "later" / "in" / "a.csv").write_text("1")
        await until(lambda: intake.told == [("created", "a.csv")])
        assert subject.problem is None


async def test_a_folder_that_goes_and_comes_back_has_not_lost_its_files(inbox, intake):
    (inbox / "a.csv").write_text("1")
    subject = source(inbox)
    async with running(subject, intake):
        await until(lambda: len(intake.events) == 1)
        inbox.rename(inbox.parent / "away")
        await until(lambda: subject.problem)
        await asyncio.sleep(0.3)
        (inbox.parent / "away").rename(inbox)
        (inbox / "b.csv").write_text("1")
        await until(lambda: len(intake.events) == 2)
    assert intake.told == [("created", "a.csv"), ("created", "b.csv")]


async def test_a_folder_that_is_made_anew_at_once_is_heard_as_before(inbox, intake):
    async with running(source(inbox), intake):
        await until(lambda: intake.state is not None)
        for number in range(3):
            shutil.rmtree(inbox)
            inbox.mkdir()
            (inbox / f"{number}.csv").write_text("1")
            await until(lambda: ("created", f"{number}.csv") in intake.told, 8)  # noqa: B023
            (inbox / f"{number}.csv").write_text("12")
            await until(lambda: ("modified", f"{number}.csv") in intake.told, 8)  # noqa: B023


async def test_a_pattern_that_names_a_folder_says_so(inbox, intake):
    subject = FileSource("in", inbox)
    async with running(subject, intake):
        await until(lambda: subject.problem)
    assert f"the pattern is {inbox}/*" in subject.problem


async def test_what_cannot_be_read_ends_the_run_and_nothing_is_deleted(inbox, intake):
    (inbox / "sub").mkdir()
    (inbox / "sub" / "a.csv").write_text("1")
    async with running(source(inbox, "**/*.csv"), intake):
        await until(lambda: len(intake.events) == 1)
    states = list(intake.states)
    (inbox / "sub").chmod(0)
    with opening_files_as_nobody(inbox), pytest.raises(PathUnreadable, match="Permission denied"):
        await asyncio.wait_for(source(inbox, "**/*.csv").run(intake), 10)
    (inbox / "sub").chmod(0o755)
    assert len(intake.events) == 1
    assert intake.states == states


async def test_where_changes_cannot_be_heard_they_are_looked_for(inbox, intake):
    subject = source(inbox)
    async with contextlib.AsyncExitStack() as stack:
        with no_inotify_instances_left():
            await stack.enter_async_context(running(subject, intake))
            await until(lambda: intake.state is not None)
            await until(lambda: subject.problem)
        assert "can't be heard of" in subject.problem
        (inbox / "a.csv").write_text("1")
        await until(lambda: intake.told == [("created", "a.csv")], 10)


async def test_the_state_of_many_files_is_small(inbox, intake):
    for number in range(2_000):
        (inbox / f"measurement-{number:05}.csv").write_text("x")
    async with running(source(inbox, existing=False), intake):
        await until(lambda: len(known(intake)) == 2_000)
    assert len(intake.states[-1]) < 30 * 2_000
    assert json.loads(intake.states[-1])["folder"] == str(inbox)
