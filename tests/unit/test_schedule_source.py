"""A schedule that runs by a clock of the test's own."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from intakes import KeptIntake
from running import running, until

from nbfaas.errors.delivery import BadTrigger
from nbfaas.triggers.schedule import LOOK_AGAIN, ScheduleSource

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Clock:
    """Goes on by what is slept; ``jumps`` are added, one after each sleep."""

    def __init__(self, now: datetime = NOON, jumps: tuple[timedelta, ...] = ()) -> None:
        self.now = now
        self.slept: list[float] = []
        self._jumps = list(jumps)

    def __call__(self) -> float:
        return self.now.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)
        if self._jumps:
            self.now += self._jumps.pop(0)
        await asyncio.sleep(0)


def source(when: str | float, clock: Clock, timezone: str = "UTC") -> ScheduleSource:
    return ScheduleSource("tick", when, timezone=timezone, clock=clock, sleep=clock.sleep)


async def ticks(schedule: ScheduleSource, count: int, intake: KeptIntake) -> list[tuple[str, int]]:
    """Run it for ``count`` further events; return their time of day, and how many were missed."""
    wanted = len(intake.events) + count

    async def stop_there() -> None:
        if len(intake.events) == wanted:
            await asyncio.Event().wait()

    intake.after = stop_there
    async with running(schedule, intake):
        await until(lambda: len(intake.events) == wanted)
    return [(f"{e.time:%H:%M:%S}", e.data["missed"]) for e in intake.events[-count:]]


async def test_it_ticks_at_each_scheduled_time():
    clock = Clock()
    found = await ticks(source("*/5 * * * *", clock), 3, KeptIntake())
    assert found == [("12:05:00", 0), ("12:10:00", 0), ("12:15:00", 0)]
    assert max(clock.slept) <= LOOK_AGAIN.total_seconds()


async def test_an_event_says_when_it_was_scheduled_and_is_named_after_that():
    intake = KeptIntake()
    schedule = ScheduleSource(
        "a b/c", "30 9 * * *", timezone="Europe/Berlin", clock=(c := Clock()), sleep=c.sleep
    )
    await ticks(schedule, 1, intake)
    event = intake.events[0]
    assert event.type == "nbfaas.schedule.tick"
    assert event.source == "nbfaas/schedule/a%20b%2Fc"
    assert event.id == "a b/c@2026-05-05T07:30:00Z"
    assert event.time == datetime(2026, 5, 5, 7, 30, tzinfo=UTC)
    assert event.data == {
        "scheduled_at": "2026-05-05T09:30:00+02:00",
        "schedule": "30 9 * * * (Europe/Berlin)",
        "missed": 0,
    }


async def test_the_first_start_makes_up_nothing_and_is_remembered():
    intake = KeptIntake()
    async with running(source("0 11 * * *", Clock()), intake):
        await until(lambda: intake.state)
    assert intake.events == []
    later = Clock(NOON + timedelta(hours=30))
    assert await ticks(source("0 11 * * *", later), 1, intake) == [("11:00:00", 0)]
    assert intake.events[0].time == NOON + timedelta(hours=23)


async def test_what_was_missed_while_it_was_stopped_is_made_up_once():
    intake = KeptIntake()
    await ticks(source("*/5 * * * *", Clock()), 1, intake)
    later = Clock(NOON + timedelta(minutes=62))
    found = await ticks(source("*/5 * * * *", later), 2, intake)
    assert found == [("13:00:00", 10), ("13:05:00", 0)]


async def test_what_was_missed_while_the_machine_slept_is_made_up_once():
    clock = Clock(jumps=(timedelta(hours=2, minutes=2),))
    found = await ticks(source("*/10 * * * *", clock), 2, KeptIntake())
    assert found == [("14:00:00", 11), ("14:10:00", 0)]


async def test_another_schedule_under_the_same_name_begins_anew():
    intake = KeptIntake()
    await ticks(source("*/5 * * * *", Clock()), 1, intake)
    later = Clock(NOON + timedelta(hours=3, minutes=1))
    assert await ticks(source("*/7 * * * *", later), 1, intake) == [("15:07:00", 0)]


@pytest.mark.parametrize("back", [timedelta(seconds=2), timedelta(minutes=40)])
async def test_a_clock_that_is_put_back_a_little_doubles_no_run(back):
    clock = Clock(jumps=(timedelta(),) * 11 + (-back,))  # at 12:05:30, just after a run
    found = await ticks(source("*/5 * * * *", clock), 3, KeptIntake())
    assert found == [("12:05:00", 0), ("12:10:00", 0), ("12:15:00", 0)]


async def test_a_clock_that_was_years_ahead_does_not_stall_it():
    clock = Clock(
        NOON.replace(year=2031), jumps=(timedelta(),) * 11 + (NOON - NOON.replace(year=2031),)
    )
    found = await ticks(source("*/5 * * * *", clock), 3, KeptIntake())
    assert found == [("12:05:00", 0), ("12:10:00", 0), ("12:15:00", 0)]


async def test_short_periods_go_on_when_the_clock_is_put_back():
    clock = Clock(jumps=(timedelta(),) * 3 + (-timedelta(minutes=30),))
    intake = KeptIntake()
    await ticks(source(1, clock), 5, intake)
    assert sum(clock.slept) < 10
    assert [event.data["missed"] for event in intake.events[:5]] == [0] * 5


async def test_a_run_that_was_handed_in_before_is_left_out():
    """With another number of missed ones: the clock had been put back far in between."""
    intake = KeptIntake()
    clock = Clock(jumps=(timedelta(minutes=9),))
    assert await ticks(source("*/5 * * * *", clock), 1, intake) == [("12:05:00", 0)]
    intake.states.append(json.dumps({**intake.state, "until": "2026-05-04T11:50:00+00:00"}))
    again = Clock(NOON + timedelta(minutes=8))
    assert await ticks(source("*/5 * * * *", again), 1, intake) == [("12:10:00", 0)]
    assert [event.data["missed"] for event in intake.events] == [0, 0]


async def test_every_is_counted_from_the_first_start_across_restarts():
    intake = KeptIntake()
    await ticks(source(10, Clock(NOON + timedelta(seconds=3))), 1, intake)
    later = Clock(NOON + timedelta(minutes=1, seconds=59.5))
    assert await ticks(source(10, later), 2, intake) == [("12:01:53", 3 + 6), ("12:02:03", 0)]


async def test_by_the_real_clock_ten_times_a_second():
    intake = KeptIntake()
    async with running(ScheduleSource("fast", 0.1), intake):
        await until(lambda: len(intake.events) >= 5)
    times = [event.time for event in intake.events]
    told = sum(1 + event.data["missed"] for event in intake.events[1:])
    assert times[-1] - times[0] == told * timedelta(seconds=0.1)


def test_the_next_runs_can_be_asked_for():
    schedule = source("30 2 * * *", Clock(datetime(2026, 3, 27, tzinfo=UTC)), "Europe/Berlin")
    assert [run.isoformat() for run in schedule.next_runs(4)] == [
        "2026-03-27T02:30:00+01:00",
        "2026-03-28T02:30:00+01:00",
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]
    assert len(schedule.next_runs()) == 5
    assert schedule.next_runs(0) == []
    after = datetime(2026, 7, 1, tzinfo=UTC)
    assert schedule.next_runs(1, after=after)[0].astimezone(UTC) == after + timedelta(minutes=30)
    assert source(60, Clock()).next_runs(2) == [NOON + timedelta(minutes=n) for n in (1, 2)]
    with pytest.raises(BadTrigger, match="after="):
        schedule.next_runs(1, after=datetime(2026, 7, 1))


def test_it_describes_itself():
    assert source("*/5 * * * *", Clock()).describe() == "*/5 * * * * (UTC)"
    assert source(0.5, Clock()).describe() == "every 0.5 s"
    assert source("30 2 * * *", Clock()).explain() == "At 02:30 every day (UTC)"


async def test_what_is_fired_by_hand_has_the_data_of_a_run_of_that_moment():
    clock = Clock(NOON + timedelta(seconds=7))
    schedule = source("0 * * * *", clock, timezone="Europe/Berlin")
    assert schedule.data_by_hand() == {
        "scheduled_at": "2026-05-04T14:00:07+02:00",
        "schedule": schedule.describe(),
        "missed": 0,
    }
    intake = KeptIntake()
    await ticks(schedule, 1, intake)
    assert intake.events[0].data.keys() == schedule.data_by_hand().keys()
