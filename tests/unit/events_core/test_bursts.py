"""Bursts: what they plan, and how they are sent."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter as Counted
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbfaas import Event
from nbfaas.errors import BadBurst, IntakeFull
from nbfaas.events import Burst, Choice, Counter, Range, Times, Uuid, template
from nbfaas.triggers.receipt import Receipt

ORDER = template("order.created", id="base", time=datetime(2026, 1, 1, tzinfo=UTC))


def accept(event: Event) -> Receipt:
    return Receipt(event, ("a",))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 60), st.integers(), st.floats(0, 1), st.floats(0, 1),
    st.none() | st.floats(0.1, 1e6),
)  # fmt: skip
def test_a_burst_follows_from_its_event_and_seed(n, seed, duplicates, poison, rate):
    def burst():
        vary = {"$.data.total": Range(1, 500), "$.data.customer.id": Uuid(), "$.subject": Counter()}
        vary["$.subject"] = Counter(text="A-{}")
        return Burst(ORDER, n, rate=rate, seed=seed, vary=vary, duplicates=duplicates,
                     poison=poison)  # fmt: skip

    first, second = list(burst().plan()), list(burst().plan())
    assert first == second == list(burst().plan())
    assert list(burst()) == [(each.at, each.event) for each in first]
    assert len(first) == n
    new = [each.event for each in first if not each.duplicate]
    assert len({event.id for event in new}) == len(new)
    assert [each.at for each in first] == [0 if rate is None else i / rate for i in range(n)]
    seen: list[Event] = []
    for each in first:
        assert (each.event in seen) == each.duplicate
        seen.append(each.event)
        assert (each.poison is not None) == ("poison" in each.event.extensions)
        if each.poison is None:
            assert 1 <= each.event.data["total"] <= 500
            assert each.event.data["lines"] == ORDER.data["lines"]
    assert [event.subject for event in new] == [f"A-{i}" for i in range(1, len(new) + 1)]
    assert template("order.created", id="base", time=ORDER.time) == ORDER, "it was not changed"


def test_another_seed_or_event_makes_other_ids():
    ids = [
        {event.id for _, event in Burst(event, 20, seed=seed)}
        for event, seed in ((ORDER, 1), (ORDER, 2), (ORDER.replace(id="x"), 1))
    ]
    assert not (ids[0] & ids[1] | ids[0] & ids[2])
    assert Burst(ORDER, 2).seed != Burst(ORDER, 2).seed


def test_the_shares_are_about_what_was_asked_for():
    planned = list(Burst(ORDER, 4_000, seed=7, duplicates=0.05, poison=0.2).plan())
    assert 120 < sum(each.duplicate for each in planned) < 280
    assert 600 < sum(each.poison is not None and not each.duplicate for each in planned) < 920
    kinds = Counted(each.poison.split(" ", 1)[1] for each in planned if each.poison)
    assert {"is missing", "is null", "is a text instead of a number"} < set(kinds)
    assert {"is a number instead of a text", "is a text instead of a list"} < set(kinds)


def test_poison_is_broken_as_it_says():
    for each in Burst(ORDER, 300, seed=1, poison=1.0).plan():
        what = each.event.extensions["poison"]
        assert what == each.poison
        if what == "data is missing":
            assert each.event.data is None
            continue
        name, how = what.removeprefix("data.").split(" ", 1)
        if how == "is missing":
            assert name not in each.event.data
        elif how == "is null":
            assert each.event.data[name] is None
        else:
            assert type(each.event.data[name]) is not type(ORDER.data[name])


def test_events_of_a_burst_are_stamped_as_they_are_due():
    times = [event.time for _, event in Burst(ORDER, 3, rate=2, seed=1)]
    assert times == [ORDER.time + timedelta(seconds=s) for s in (0, 0.5, 1)]


def test_variations_draw_what_they_say():
    def drawn(variation, path="$.data.total", n=50):
        return [event.data["total"] for _, event in Burst(ORDER, n, seed=3, vary={path: variation})]

    assert {type(each) for each in drawn(Range(1, 3))} == {int}
    assert set(drawn(Range(1, 3))) == {1, 2, 3}
    assert all(1.5 <= each <= 2.5 and round(each, 1) == each for each in drawn(Range(1.5, 2.5, 1)))
    assert set(drawn(Choice(["a", None, {"b": [1]}][:2]))) == {"a", None}
    assert set(drawn(Choice([1, 2], weights=[0, 1]))) == {2}
    assert drawn(Counter(5, 10), n=3) == [5, 15, 25]
    assert len(set(drawn(Uuid()))) == 50
    assert drawn(Times(datetime(2026, 1, 1, tzinfo=UTC), 60), n=2) == [
        "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z",
    ]  # fmt: skip
    lines = [e.data["lines"][1]["price"] for _, e in
             Burst(ORDER, 3, vary={"$.data.lines[1].price": Counter()})]  # fmt: skip
    assert lines == [1, 2, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n=0"),
        ({"rate": 0}, "rate=0"),
        ({"rate": float("nan")}, "rate=nan"),
        ({"poison": 1.5}, "poison=1.5 is not valid: it is a share"),
        ({"vary": {"$.data.totl": Uuid()}}, "did you mean 'total'"),
        ({"vary": {"$.data.lines[7]": Uuid()}}, "no such field"),
        ({"vary": {"data.total": Uuid()}}, r"it starts with \$"),
        ({"vary": {"$.id": Uuid()}}, "each event has an id of its own"),
        ({"vary": {"$.data.total": 3}}, r"give Range\("),
        ({"vary": {"$.data.total": Choice([{1, 2}])}}, "has to be JSON"),
        ({"vary": {"$.type": Choice([""])}}, "makes no event"),
    ],
)
def test_what_makes_no_sense_is_told_before_anything_is_sent(options, message):
    with pytest.raises(BadBurst, match=message):
        Burst(ORDER, **{"n": 3, **options})


@pytest.mark.parametrize(
    "make",
    [
        lambda: Range(2, 1), lambda: Range("a", 1), lambda: Choice([]), lambda: Choice("abc"),
        lambda: Choice([1], weights=[0]), lambda: Counter(text="A"),
        lambda: Times(datetime(2026, 1, 1)),
    ],
)  # fmt: skip
def test_a_variation_that_makes_no_sense_is_refused(make):
    with pytest.raises(BadBurst):
        make()


def test_the_result_says_what_became_of_each_event():
    seen: set[str] = set()
    lock = threading.Lock()

    def emit(event: Event) -> Receipt:
        with lock:
            if event.data is None or not isinstance(event.data.get("total"), int):
                raise IntakeFull(5, 5, 1.0)
            again = event.id in seen
            seen.add(event.id)
        return Receipt(event, () if event.data["total"] == 7 else ("a",), again)

    burst = Burst(ORDER, 400, seed=1, vary={"$.data.total": Range(1, 20)}, duplicates=0.2,
                  poison=0.3)  # fmt: skip
    told = []
    result = burst.send(emit, progress=told.append)
    assert result.sent == result.total == 400
    assert result.accepted == len(seen)
    assert result.accepted + result.duplicates + result.refused == 400
    assert result.reasons == {"IntakeFull": result.refused}
    assert len(result.refusals) == result.refused > 0
    assert "IntakeFull: 5 events wait" in result.refusals[0].reason
    unmatched = {e.id for _, e in burst if e.id in seen and e.data["total"] == 7}
    assert result.unmatched == len(unmatched) > 0
    assert result.poison == sum(each.poison is not None for each in burst.plan())
    assert not result.cancelled
    assert told[-1].sent == 400
    assert "400 of 400 sent" in repr(result)


def test_events_are_sent_at_their_rate():
    at: list[float] = []

    def emit(event: Event) -> Receipt:
        at.append(time.monotonic())
        return accept(event)

    result = Burst(ORDER, 20, rate=40, seed=1).send(emit)
    assert at[-1] - at[0] >= 0.4
    assert result.seconds >= 19 / 40
    assert result.rate <= 42.2


def test_a_burst_can_be_cancelled_and_leaves_no_threads():
    run = Burst(ORDER, 1_000_000, rate=200, seed=1).start(accept)
    while not run.progress.sent:
        time.sleep(0.001)
    assert not run.done
    with pytest.raises(TimeoutError):
        run.result(0.01)
    run.cancel()
    result = run.result(30)
    assert result.cancelled
    assert 1 <= result.sent == result.accepted < 1_000_000
    assert "cancelled" in repr(run)
    assert not [each for each in threading.enumerate() if each.name.startswith("nbfaas-burst")]


def test_a_burst_is_cancelled_while_every_event_is_stuck():
    let_go = threading.Event()
    begun: list[str] = []

    def emit(event: Event) -> Receipt:
        begun.append(event.id)
        let_go.wait(30)
        return accept(event)

    run = Burst(ORDER, 100, seed=1).start(emit, concurrency=3)
    while len(begun) < 3:
        time.sleep(0.001)
    run.cancel()
    let_go.set()
    assert run.result(30).sent == 3 == len(begun)


def test_what_a_progress_callback_raises_ends_the_burst():
    def fail(progress):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Burst(ORDER, 1000, rate=100).send(accept, progress=fail)


def test_a_burst_is_json_all_the_way():
    for each in Burst(ORDER, 50, seed=2, poison=0.5, vary={"$.data.total": Range(0.1, 0.2)}).plan():
        assert Event.from_dict(json.loads(each.event.to_json())) == each.event
