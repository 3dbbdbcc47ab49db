"""What every source of events owes (``nbfaas.triggers.source``), whatever it listens to."""

from __future__ import annotations

import asyncio
import base64
import os
import threading
import zlib
from collections.abc import AsyncIterator, Iterator

import pytest
from intakes import Hang, StoreIntake, nothing
from queue_cases import QUEUE_CASES
from running import running, until
from source_cases import CASES as OWN_CASES
from source_cases import SourceCase

from nbfaas.errors.delivery import BadTrigger, EventStoreUnavailable

CASES = [*OWN_CASES, *QUEUE_CASES]


@pytest.fixture(params=CASES)
async def case(request, tmp_path) -> AsyncIterator[SourceCase]:
    case = request.param(tmp_path)
    async with case.world():
        yield case


@pytest.fixture
def intake(tmp_path_factory) -> Iterator[StoreIntake]:
    intake = StoreIntake(tmp_path_factory.mktemp("store") / "events.db")
    yield intake
    intake.close()


def told(case: SourceCase, intake: StoreIntake) -> list[str]:
    return [name for event in intake.events for name in case.told(event)]


async def all_told(case: SourceCase, intake: StoreIntake, names: list[str]) -> None:
    """Wait until each is told; and none twice."""
    await until(lambda: set(names) <= set(told(case, intake)))
    found = told(case, intake)
    assert sorted(found) == sorted(set(found))


async def test_it_tells_what_happens(case, intake):
    async with running(case.source(), intake):
        await until(lambda: case.has_begun(intake))
        names = await case.happen(3)
        await all_told(case, intake, names)


async def test_its_events_name_their_kind_and_what_they_come_from(case, intake):
    async with running(case.source(), intake):
        await until(lambda: case.has_begun(intake))
        await all_told(case, intake, await case.happen(3))
    assert all(event.type and event.source and event.id for event in intake.events)
    assert len({event.source for event in intake.events}) == 1


async def test_what_happens_while_it_is_stopped_is_told_once(case, intake):
    names: list[str] = []
    for _ in range(3):
        async with running(case.source(), intake):
            await until(lambda: case.has_begun(intake))
            names += await case.happen(2)
            await all_told(case, intake, names)
        names += await case.happen_unheard(2)
        intake.restart()
    async with running(case.source(), intake):
        await all_told(case, intake, names)


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_death_before_or_after_events_are_durable_loses_and_doubles_none(
    case, intake, moment
):
    names: list[str] = []
    for _ in range(3):
        async with running(case.source(), intake):
            await until(lambda: case.has_begun(intake))
            setattr(intake, moment, hang := Hang(intake))
            names += await case.happen(3)
            await asyncio.wait_for(hang.hung.wait(), 20)
        setattr(intake, moment, nothing)
        intake.restart()
        names += await case.happen_unheard(1)
    async with running(case.source(), intake):
        await all_told(case, intake, names)


async def test_a_store_that_fails_is_told_of_and_nothing_is_lost(case, intake):
    async def fail() -> None:
        if intake.current:
            raise EventStoreUnavailable("events.db", "the disk is full", "Make room.")

    names: list[str] = []
    async with running(case.source(), intake):
        await until(lambda: case.has_begun(intake))
    intake.before = fail
    names += await case.happen_unheard(3)
    with pytest.raises(EventStoreUnavailable, match="the disk is full"):
        await asyncio.wait_for(case.source().run(intake), 20)
    intake.before = nothing
    async with running(case.source(), intake):
        await all_told(case, intake, names)


async def test_a_full_queue_slows_it_down_and_loses_nothing(case, intake):
    async def wait() -> None:
        await asyncio.sleep(0.2)

    intake.before = wait
    async with running(case.source(), intake):
        await until(lambda: case.has_begun(intake))
        await all_told(case, intake, await case.happen(8))


async def test_one_source_can_be_run_again_after_it_was_stopped(case, intake):
    source = case.source()
    names: list[str] = []
    for _ in range(2):
        async with running(source, intake):
            await until(lambda: case.has_begun(intake))
            names += await case.happen(2)
            await all_told(case, intake, names)
        names += await case.happen_unheard(1)
    async with running(source, intake):
        await all_told(case, intake, names)


@pytest.mark.parametrize("seconds", [0, 0.001, 0.02, 0.12, 0.3])
async def test_stopped_at_any_time_it_leaves_nothing_behind(case, intake, seconds):
    async with running(case.source(), intake):  # what is imported and opened only once
        await until(lambda: case.has_begun(intake))
        await all_told(case, intake, await case.happen(1))
    await asyncio.sleep(0.1)
    threads, tasks, files = set(threading.enumerate()), asyncio.all_tasks(), _open_files()
    names = await case.happen_unheard(2)
    async with running(case.source(), intake):
        await asyncio.sleep(seconds)
    assert asyncio.all_tasks() == tasks
    await until(lambda: set(threading.enumerate()) <= threads, 2)
    await until(lambda: _open_files() <= files, 2)
    async with running(case.source(), intake):
        await all_told(case, intake, names)


def _open_files() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize(
    ("make", "option"),
    [
        pytest.param(make, option, id=f"{each.id}-{option}-{number}")
        for each in CASES
        for number, (make, option) in enumerate(each.values[0].bad)
    ],
)
def test_a_bad_option_is_refused_and_named(make, option):
    with pytest.raises(BadTrigger) as caught:
        make()
    assert caught.value.option == option
    assert f"{option}=" in str(caught.value)


async def test_it_says_what_it_is(case):
    source = case.source()
    assert source.describe() in repr(source)
    assert source.kind


OTHERS = {
    "file": {
        "folder": "/x",
        "parts": ["*"],
        "files": base64.b64encode(zlib.compress(b"\x80")).decode(),
    },
    "schedule": {"schedule": "0 0 1 1 *", "anchor": "2020-01-01", "until": "2020-01-01"},
    "redis": {"consumer": "another", "group": ["redis://x:1/0/y", "g"]},
    "nats": {"durable": ["nats://x:1/Y", "d"]},
}


@pytest.mark.parametrize("other", OTHERS)
async def test_what_another_source_of_its_name_remembered_is_none_of_its_business(
    case, intake, other
):
    await intake.accept([], state=OTHERS[other])
    async with running(case.source(), intake):
        await until(lambda: case.has_begun(intake) and intake.state != OTHERS[other])
        await all_told(case, intake, await case.happen(2))
