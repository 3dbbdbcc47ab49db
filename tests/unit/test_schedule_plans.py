"""When the runs of a schedule are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbfaas.errors.delivery import BadTrigger
from nbfaas.triggers.cron import COUNTED, Cron, Due, Every

START = datetime(2026, 1, 1, tzinfo=UTC)


def runs(expression: str, zone: str, begin: str, end: str) -> list[str]:
    """Between two times in UTC; as local time, with the distance from UTC."""
    plan = Cron(expression, zone)
    moment, found = datetime.fromisoformat(begin + "+00:00"), []
    while (moment := plan.after(moment)) < datetime.fromisoformat(end + "+00:00"):
        found.append(moment.astimezone(plan.zone).isoformat(timespec="minutes"))
    return found


# Berlin goes from 02:00 to 03:00 on 2026-03-29 (01:00 UTC), and back from 03:00 on 2026-10-25.
# New York goes from 02:00 to 03:00 on 2026-03-08 (07:00 UTC), and back from 02:00 on 2026-11-01.


@pytest.mark.parametrize(
    ("zone", "begin", "end", "offset"),
    [
        ("Europe/Berlin", "2026-03-28T12:00", "2026-03-29T12:00", "2026-03-29T03:00+02:00"),
        ("America/New_York", "2026-03-07T12:00", "2026-03-08T17:00", "2026-03-08T03:00-04:00"),
    ],
)
def test_a_fixed_time_that_the_clock_skips_is_right_after_the_gap(zone, begin, end, offset):
    assert runs("30 2 * * *", zone, begin, end) == [offset]
    assert runs("0,15,30 2 * * *", zone, begin, end) == [offset]


@pytest.mark.parametrize(
    ("expression", "zone", "begin", "end", "first"),
    [
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00",
            "2026-10-25T12:00",
            "2026-10-25T02:30+02:00",
        ),
        (
            "30 1 * * *",
            "America/New_York",
            "2026-10-31T12:00",
            "2026-11-01T12:00",
            "2026-11-01T01:30-04:00",
        ),
    ],
)
def test_a_fixed_time_that_comes_twice_is_run_in_the_first_pass_only(
    expression, zone, begin, end, first
):
    assert runs(expression, zone, begin, end) == [first]


@pytest.mark.parametrize("minutes", range(0, 130, 5))
def test_wherever_one_starts_a_doubled_hour_never_leads_back(minutes):
    moment = datetime(2026, 10, 25, 0, 0, tzinfo=UTC) + timedelta(minutes=minutes)
    for expression in ("30 2 * * *", "*/10 * * * *", "0 * * * *", "*/20 2 * * *"):
        found = Cron(expression, "Europe/Berlin").after(moment)
        assert found is not None
        assert found > moment


def test_with_a_wildcard_the_wall_clock_counts_in_spring():
    berlin = ("Europe/Berlin", "2026-03-29T00:29", "2026-03-29T01:31")
    assert runs("*/30 * * * *", *berlin) == [
        "2026-03-29T01:30+01:00",
        "2026-03-29T03:00+02:00",
        "2026-03-29T03:30+02:00",
    ]
    assert runs("*/30 2 * * *", *berlin) == []
    york = ("America/New_York", "2026-03-08T05:59", "2026-03-08T08:01")
    assert runs("0 * * * *", *york) == [
        "2026-03-08T01:00-05:00",
        "2026-03-08T03:00-04:00",
        "2026-03-08T04:00-04:00",
    ]


def test_with_a_wildcard_both_passes_count_in_autumn():
    berlin = ("Europe/Berlin", "2026-10-24T23:59", "2026-10-25T02:01")
    assert runs("0 * * * *", *berlin) == [
        "2026-10-25T02:00+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T03:00+01:00",
    ]
    york = ("America/New_York", "2026-11-01T04:59", "2026-11-01T07:01")
    assert runs("*/30 1 * * *", *york) == [
        "2026-11-01T01:00-04:00",
        "2026-11-01T01:30-04:00",
        "2026-11-01T01:00-05:00",
        "2026-11-01T01:30-05:00",
    ]


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["30 2 * * *", "*/7 * * * *", "15 1,2,3 * * *", "*/20 2 * * *", "0 0 * * SUN"]),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    st.integers(0, 40),
)
def test_what_is_due_is_what_comes_one_after_the_other(expression, zone, begin, count):
    plan = Cron(expression, zone)
    begin = begin.replace(tzinfo=UTC)
    found = [begin]
    for _ in range(count):
        found.append(plan.after(found[-1]))
    assert all(earlier < later for earlier, later in pairwise(found))
    expected = Due(found[-1], count - 1) if count else None
    assert plan.due(begin, found[-1]) == expected


def test_after_years_of_minutes_the_latest_run_is_found_and_the_count_is_bounded():
    plan = Cron("* * * * *")
    due = plan.due(START, START + timedelta(days=3000, seconds=59))
    assert due == Due(START + timedelta(days=3000), COUNTED - 1)
    nights = Cron("* 3 * * *").due(START, START + timedelta(days=1000, hours=2))
    assert nights == Due(START + timedelta(days=999, hours=3, minutes=59), COUNTED - 1)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("61 * * * *", "bad minute"),
        ("* 24 * * *", "bad hour"),
        ("* * 0 * *", "bad day-of-month"),
        ("* * * JANUARY *", "bad month"),
        ("* * * * 9", "bad day-of-week"),
        ("*/0 * * * *", "bad minute"),
        ("0 0 30 2 *", "bad day-of-month"),
        ("0 0 */31 * MON#2", "there is no such day"),
        ("", "five fields"),
        ("@daily", "five fields"),
        ("* * * * * *", "on.every"),
        (None, "must be a str"),
    ],
)
def test_a_wrong_expression_is_refused_with_its_reason_and_an_example(expression, why):
    with pytest.raises(BadTrigger, match=r"on\.schedule: cron=") as caught:
        Cron(expression)
    assert why in str(caught.value)
    assert "'*/5 * * * *'" in str(caught.value)


@pytest.mark.parametrize(
    ("zone", "example"),
    [
        ("Europe/Berln", "'Europe/Berlin'"),
        ("Europe", "such as"),
        ("../etc/passwd", "such as"),
        ("", "such as"),
        (None, "such as"),
    ],
)
def test_a_wrong_timezone_is_refused_with_an_example(zone, example):
    with pytest.raises(BadTrigger, match="timezone=") as caught:
        Cron("* * * * *", zone)
    assert example in str(caught.value)


def test_the_local_timezone_is_the_one_that_the_machine_says(monkeypatch):
    monkeypatch.setenv("TZ", ":Asia/Tokyo")
    plan = Cron("0 9 * * *", "local")
    assert plan.after(START) == START + timedelta(days=1)  # 09:00 in Tokyo is midnight in UTC
    assert plan.text == "0 9 * * * (Asia/Tokyo)"
    monkeypatch.delenv("TZ")
    assert Cron("0 9 * * *", "local").after(START) is not None


def test_it_is_explained_in_words():
    assert Cron("30 2 * * *", "Europe/Berlin").explain() == "At 02:30 every day (Europe/Berlin)"
    assert Every(0.5).explain() == "Every 0.5 seconds, counted from the first start"


@settings(deadline=None)
@given(st.floats(0.1, 1e5), st.integers(1, 10**6))
def test_every_so_many_seconds_does_not_drift(seconds, count):
    plan = Every(seconds).begun(START)
    period = timedelta(seconds=seconds)
    at = START + count * period
    assert plan.after(at - period / 2) == at
    assert plan.after(at) == at + period
    assert plan.due(START, at) == Due(at, count - 1)
    assert plan.due(at, at + period * 0.99) is None


@pytest.mark.parametrize(
    "seconds", [0, 0.09, -1, float("nan"), float("inf"), 1e12, True, "5", None]
)
def test_a_wrong_period_is_refused(seconds):
    with pytest.raises(BadTrigger, match=r"on\.every: seconds="):
        Every(seconds)
