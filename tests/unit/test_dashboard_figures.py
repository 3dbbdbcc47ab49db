"""The dashboard's figures, from records alone; and that its picture is only a picture."""

from __future__ import annotations

import time
from array import array
from collections import Counter

import pytest

from nbfaas.backends.base import Backend
from nbfaas.model.delivery import DeadLetter, DeliveryState
from nbfaas.model.invocation import AttemptStats, InvocationState, SandboxState
from nbfaas.model.records import (
    AttemptFinished,
    AttemptStarted,
    DeliveryAttempted,
    DeliverySettled,
    EventAccepted,
    EventRefused,
    InvocationFinished,
    InvocationQueued,
    LogWritten,
    Record,
    SandboxChanged,
)
from nbfaas.notebook.widgets.dashboard import facts, picture, rows
from nbfaas.notebook.widgets.dashboard.activity import OTHER, Activity
from nbfaas.notebook.widgets.dashboard.facts import Facts, TriggerFacts
from nbfaas.notebook.widgets.dashboard.log_tail import LogTail
from nbfaas.notebook.widgets.dashboard.ring import Ring
from nbfaas.notebook.widgets.dashboard.series import COLUMNS, Series
from nbfaas.notebook.widgets.dashboard.spans import COLD, FAILED, OK, Spans
from nbfaas.notebook.widgets.dashboard.stream import EventStream
from nbfaas.notebook.widgets.dashboard.watch import Watch
from nbfaas.notebook.widgets.dashboard.windows import Window
from nbfaas.service import PoolState, SandboxRow

DONE, BROKEN = InvocationState.SUCCEEDED, InvocationState.FAILED
EVIL = "<script>alert(1)</script>\x1b[31m"


def stats(
    wall: float = 0.01,
    state: InvocationState = DONE,
    *,
    sandbox: str = "box",
    at: float = 100.0,
    cold: bool = False,
) -> AttemptStats:
    return AttemptStats(1, state, sandbox, at, 0.25, wall, 0.5, 0.25, 0.005, 1 << 24, cold)


def call(
    name: str = "score",
    number: int = 1,
    state: InvocationState = DONE,
    *,
    wall: float = 0.01,
    sandbox: str = "box",
    cold: bool = False,
) -> list[Record]:
    """All records of one call."""
    id_ = f"abc-{number}"
    figures = stats(wall, state, sandbox=sandbox, cold=cold)
    return [
        InvocationQueued(99.0, id_, name, "0123456789ab"),
        AttemptStarted(100.0, id_, 1, sandbox, cold),
        AttemptFinished(101.0, id_, figures),
        InvocationFinished(101.0, id_, state, 1, None, None, None, b""),
    ]


def row(id_: str = "box", function: str = "score", in_flight: int = 0) -> SandboxRow:
    state = "BUSY" if in_flight else "IDLE"
    return SandboxRow(id_, state, function, "0123456789ab", "python", in_flight, 1, 1.0, 1 << 29, 0,
                      1 << 24)  # fmt: skip


def pool(*found: SandboxRow) -> PoolState:
    return PoolState(list(found), Counter(score=3), 0, 2.0, 1.0, 1 << 32, 1 << 29)


# -- rings


def test_a_ring_keeps_the_last_items_and_their_numbers() -> None:
    ring: Ring[str] = Ring(3)
    for each in "abcde":
        ring.add(each)
    assert (list(ring), ring.first, ring.next) == (["c", "d", "e"], 2, 5)
    assert ring.since(4, 10) == ["e"]
    assert ring.since(0, 10) == ["c", "d", "e"]
    assert ring.since(0, 2) == ["d", "e"]
    assert ring.since(5, 10) == []


def test_bars_are_told_in_columns_from_the_one_that_was_not_told_yet() -> None:
    spans = Spans(size=10)
    spans.add("abc-1", 0, stats(0.5, at=7.0))
    spans.add("abc-2", 3, stats(0.25, BROKEN, at=8.0, cold=True))
    begin, length, wait, track, code = spans.columns(1)
    assert array("d", begin).tolist() == [8.0]
    assert array("f", length)[0] == pytest.approx(0.255)
    assert array("f", wait)[0] == pytest.approx(0.25)
    assert (array("I", track).tolist(), array("B", code).tolist()) == ([3], [FAILED + COLD])
    assert spans.columns(2) == [b""] * 5
    assert (spans[0].state, spans[0].cold, spans[0].wait) == (OK, False, 0.0)
    assert (spans[1].invocation, spans[1].cold) == ("abc-2", True)


def test_the_oldest_bars_are_forgotten_and_numbers_go_on() -> None:
    spans = Spans(size=10)
    for number in range(1000):
        spans.add(f"abc-{number}", number, stats())
    assert spans.next == 1000
    assert 10 <= len(spans) < 20
    assert spans[999].invocation == "abc-999"
    assert [span.number for span in spans.latest(2)] == [998, 999]
    assert array("I", spans.columns(0)[3]).tolist() == list(range(spans.first, 1000))
    with pytest.raises(LookupError):
        spans[spans.first - 1]


def test_the_seconds_of_the_charts_are_rows_with_gaps_where_there_is_no_value() -> None:
    series = Series(size=2)
    for second in range(3):
        series.add(float(second), 1.0, 0.0, 0.0, 0.0, None, 0.5, 0.5)
    assert (series.first, series.next) == (1, 3)
    assert series.column("at") == [1.0, 2.0]
    values = array("d", series.rows(2)).tolist()
    assert len(values) == len(COLUMNS)
    assert values[5] != values[5]  # NaN


# -- figures


def test_rates_are_of_the_last_ten_seconds_and_percentiles_of_the_last_minute() -> None:
    window = Window()
    for second in range(100):
        for _ in range(20):
            window.observe(0.008 if second < 50 else 0.08)
            window.end(error=second >= 95)
        window.mark(float(second))
    assert window.rates(99.0) == pytest.approx((20.0, 10.0))
    low, high = window.percentiles(1, 99)
    assert low is not None
    assert high is not None
    assert 0.005 <= low <= 0.01
    assert 0.05 <= high <= 0.1
    window.mark(200.0)
    window.mark(300.0)
    assert window.rates(300.0) == (0.0, 0.0)
    assert window.percentiles(50) == [None]


def test_what_happened_before_the_first_second_is_over_counts() -> None:
    window = Window()
    window.observe(0.008)
    window.end(error=False)
    window.mark(7.0)
    assert window.rates(7.0) == (1.0, 0.0)
    assert window.percentiles(50) != [None]


def test_each_function_has_its_counts_and_each_sandbox_its_track() -> None:
    activity = Activity()
    activity.add(call("score", 1, cold=True))
    activity.add(call("score", 2, BROKEN) + call("other", 3, sandbox="box2"))
    score = activity.functions["score"]
    assert (score.succeeded, score.window.errors, score.cold, score.warm) == (1, 1, 1, 1)
    assert list(score.versions) == ["0123456789ab"]
    assert {track.sandbox: track.function for track in activity.tracks.values()} == {
        "box": "score",
        "box2": "other",
    }
    assert activity.tracks["box"].cpu == pytest.approx(1.5)
    assert (activity.all.total, activity.all.errors, len(activity.spans)) == (3, 1, 3)


def test_a_call_that_began_before_the_dashboard_counts_for_the_function_of_its_sandbox() -> None:
    activity = Activity()
    activity.track("box", "score")
    activity.add(call()[2:])
    assert activity.functions["score"].succeeded == 1


def test_functions_beyond_a_number_are_counted_together() -> None:
    activity = Activity()
    for number in range(300):
        activity.add(call(f"f{number}", number))
    assert len(activity.functions) <= 201
    assert activity.functions[OTHER].succeeded == 100


def test_the_track_of_a_sandbox_that_is_no_more_stays_as_long_as_its_bars() -> None:
    activity = Activity()
    activity.spans = Spans(size=2)
    activity.add(call(sandbox="old"))
    activity.add([SandboxChanged(1.0, "old", SandboxState.STOPPING, "score", "v", "python")])
    activity.forget_gone()
    assert activity.tracks["old"].gone
    for number in range(4):
        activity.add(call(number=number, sandbox="new"))
    activity.forget_gone()
    assert list(activity.tracks) == ["new"]


# -- output


def written(number: int, data: bytes, stream: int = 1) -> LogWritten:
    return LogWritten(1.0, f"abc-{number}", 1, stream, data)


def test_lines_are_put_together_from_what_is_written_in_pieces() -> None:
    log = LogTail()
    log.write(written(1, b"one\ntw"), "score")
    assert [line["text"] for line in log.since(0, 10)] == ["one"]
    log.write(written(1, b"o\nthree"), "score")
    log.flush(2.0, "abc-1", "score")
    assert [line["text"] for line in log.since(0, 10)] == ["one", "two", "three"]
    assert [line["text"] for line in log.since(2, 10)] == ["three"]


def test_lines_are_found_by_function_and_text() -> None:
    log = LogTail()
    for number in range(2000):
        log.write(written(number, b"noise %d\n" % number), "noisy")
        if number % 1000 == 0:
            log.write(written(number, b"Rare %d\n" % number, 2), "quiet")
    assert [line["text"] for line in log.since(0, 10, "quiet")] == ["Rare 0", "Rare 1000"]
    assert [line["text"] for line in log.since(0, 10, "", "rARE")] == ["Rare 0", "Rare 1000"]
    assert [line["text"] for line in log.since(0, 2)] == ["noise 1998", "noise 1999"]
    assert log.since(0, 10, "nobody") == []
    assert log.functions == ["noisy", "quiet"]


def test_a_line_without_an_end_is_bounded() -> None:
    log = LogTail()
    for _ in range(100):
        log.write(written(1, b"x" * 1000), "score")
    assert all(len(line["text"]) <= 2000 for line in log.since(0, 1000))
    assert log.next >= 50


# -- events


def test_events_are_told_as_they_come_in_and_are_settled() -> None:
    stream = EventStream()
    stream.add(
        [
            EventAccepted(1.0, "e1", "shop", "order.created", ("on-order",)),
            DeliveryAttempted(2.0, 7, "on-order", 1, "abc-1", "e1", "event"),
            DeliverySettled(3.0, 7, "on-order", DeliveryState.WAITING, 1, "ValueError: x", 2.0),
            DeliveryAttempted(4.0, 7, "on-order", 2, "abc-2", "e1", "event"),
            DeliverySettled(5.0, 7, "on-order", DeliveryState.DEAD, 2, "ValueError: x", 4.0),
            EventAccepted(6.0, "e2", "shop", "nobody.wants", ()),
            EventAccepted(7.0, "e1", "shop", "order.created", ("on-order",), duplicate=True),
            EventRefused(8.0, "full"),
        ]
    )
    assert [(each["state"], each["event"]) for each in stream.rows] == [
        ("accepted", "e1"),
        ("retrying", "e1"),
        ("dead", "e1"),
        ("unmatched", "e2"),
        ("duplicate", "e1"),
        ("refused", ""),
    ]
    created = ("order.created", "shop")
    assert [(each["type"], each["source"]) for each in stream.rows] == [
        created, created, created, ("nobody.wants", "shop"), created, ("", ""),
    ]  # fmt: skip
    counts = stream.triggers["on-order"]
    assert (counts.matched, counts.retried, counts.dead, stream.died) == (1, 1, 1, 1)


# -- all together


def letter(name: str = "on-order") -> DeadLetter:
    event = {"type": EVIL, "id": EVIL, "data": {"note": EVIL}}
    return DeadLetter(7, name, "function:score", EVIL, 1.0, 2.0, event, ())


def watch_of(name: str) -> Watch:
    """A watch that has seen something of everything, by this name."""
    watch = Watch(lambda: None, clock=lambda: 200.0)
    watch.listen(call(name, 1, cold=True) + call(name, 2, BROKEN)[:1])
    watch.listen([written(2, f"{EVIL}\n".encode()), *call(name, 2, BROKEN)[1:]])
    for second in range(3):
        watch.tick(float(second))
    trigger = TriggerFacts(name, "event", EVIL, name, "active", 0, EVIL)
    watch.facts = Facts(pool(row(function=name)), [name], True, [trigger], [letter()], {name: 1})
    return watch


def test_rows_say_what_runs_and_what_waits() -> None:
    watch = watch_of("score")
    (found,) = rows.function_rows(watch.activity, watch.facts, 2.0)
    assert (found["name"], found["waiting"], found["running"]) == ("score", 3, 0)
    assert (found["succeeded"], found["errors"], found["cold"]) == (1, 1, 1)
    assert [each["name"] for each in found["triggers"]] == ["score"]
    total = rows.summary(watch, 2.0)
    assert (total["total"], total["errors"], total["dead"], total["waiting"]) == (2, 1, 1, 3)
    use = rows.CpuUse()
    shown = rows.pool_rows(watch.activity, watch.facts, use, 2.0)
    assert (shown["states"], shown["cold"], shown["warm"]) == ({"idle": 1}, 1, 1)
    watch.activity.add(call("score", 3))
    for now in (2.1, 3.0, 3.1):
        shown = rows.pool_rows(watch.activity, watch.facts, use, now)
    assert shown["rows"][0]["used"] == 0.75


def test_what_has_run_for_a_while_is_shown_before_it_ends() -> None:
    watch = watch_of("score")
    watch.listen(call("score", 4)[:2])
    assert rows.open_rows(watch.activity, 100.1) == []
    assert rows.open_rows(watch.activity, 103.0) == [[0, 100.0]]


def test_a_dashboard_without_a_service_is_empty_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(facts, "functions", {})  # other tests have declared some
    watch = Watch(lambda: None)
    watch.tick(1.0)
    assert watch.problem is None
    assert "@remote" in picture.html(watch, 1.0)
    assert "0 calls" in picture.text(watch, 1.0)


def test_seconds_without_calls_add_nothing_to_the_charts() -> None:
    watch = Watch(lambda: None, clock=lambda: 0.0)
    for second in range(20):
        watch.tick(float(second))
    assert len(watch.series) == 1
    watch.listen(call())
    for second in range(20, 40):
        watch.tick(float(second))
    calls = watch.series.column("calls")
    assert calls[:4] == [0.0, 0.0, 1.0, 0.0]
    assert len(calls) < 12


def test_what_the_service_raises_is_kept_to_be_shown() -> None:
    class Broken:
        failed = True

        @property
        def dispatcher(self) -> Backend:
            raise OSError("no Docker here")

    watch = Watch(lambda: Broken())  # type: ignore[arg-type, return-value]
    watch.tick(1.0)
    assert str(watch.problem) == "no Docker here"


def test_the_picture_shows_everything_and_runs_nothing() -> None:
    html = picture.html(watch_of(EVIL), 2.0)
    assert "<script" not in html
    assert "\x1b" not in html
    assert html.count("&lt;script&gt;") >= 8
    assert html.count("<svg") == 2  # calls over time, and the timeline
    for heading in ("Functions", "Sandboxes", "Dead letters"):
        assert heading in html
    assert "cold start" in html


def test_counting_two_thousand_calls_takes_a_few_milliseconds() -> None:
    activity = Activity()
    batch = [record for number in range(2000) for record in call("score", number)]
    activity.add(batch[:400])
    start = time.thread_time()
    activity.add(batch)
    assert time.thread_time() - start < 0.05  # of the 50 ms a second that a dashboard may take
