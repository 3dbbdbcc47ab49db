"""Events are CloudEvents: checked as they are made, and the same after a way through JSON."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfaas.agent import codec
from nbfaas.agent.event import BadEvent, Event, format_time
from nbfaas.errors import ResultUnreadable, UntrustedResult
from nbfaas.packager.trust import load_result

words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner) | st.dictionaries(words, inner),
    max_leaves=15,
)
zones = st.just(UTC) | st.integers(-86399, 86399).map(lambda s: timezone(timedelta(seconds=s)))
times = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=zones)
events = st.builds(
    Event,
    words,
    st.binary() | values,
    source=words,
    id=words,
    subject=st.none() | words,
    time=times,
    datacontenttype=st.none() | words,
    dataschema=st.none() | words,
    extensions=st.dictionaries(
        st.from_regex(r"ext[a-z0-9]{0,17}", fullmatch=True), words | st.integers() | st.booleans()
    ),
)


@given(events)
def test_an_event_is_the_same_after_json_and_pickle(event):
    there = Event.from_json(event.to_json())
    assert there == event
    assert hash(there) == hash(event)
    assert there.to_json() == event.to_json()
    assert type(there.data) is type(event.data)
    assert there.data == event.data
    assert there.time == event.time
    assert there.extensions == event.extensions
    assert pickle.loads(pickle.dumps(event)) == event == copy.deepcopy(event)


@given(events)
def test_an_event_may_be_a_result(event):
    assert load_result(codec.dump([event, event]), function="f") == [event, event]


class Forged:
    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments

    def __reduce__(self):
        from nbfaas.agent.event import restore

        return restore, self.arguments


def test_a_forged_event_is_no_result():
    for arguments in [(), ({},), (1,), ({"specversion": "1.0", "id": 1},), ([],)]:
        with pytest.raises(ResultUnreadable):
            load_result(codec.dump(Forged(*arguments)), function="f")


def test_nothing_else_of_the_events_module_is_for_results():
    with pytest.raises(UntrustedResult, match="Event"):
        load_result(codec.dump({"type": Event}), function="f")


def test_what_is_not_given_has_a_value_that_makes_sense():
    before = datetime.now(UTC)
    event, other = Event("order.placed"), Event("order.placed")
    assert event.id != other.id
    assert before <= event.time <= datetime.now(UTC)
    assert (event.source, event.data, event.subject) == ("nbfaas", None, None)
    assert "data" not in event.to_dict()
    assert Event("t", b"").datacontenttype == "application/octet-stream"


def test_an_event_is_not_changed_but_replaced():
    event = Event("t", {"a": 1}, id="1", extensions={"x": 1})
    with pytest.raises(AttributeError, match="replace"):
        event.data = 2
    with pytest.raises(AttributeError, match="immutable"):
        del event.data
    with pytest.raises(TypeError):
        event.extensions["x"] = 2
    changed = event.replace(subject="s")
    assert (changed.subject, changed.data, changed.id) == ("s", {"a": 1}, "1")
    assert changed != event
    assert repr(changed) == "<Event t from 'nbfaas' id '1' subject 's'>"


class Level(IntEnum):
    HIGH = 1


NESTED: list[object] = []
for _ in range(200):
    NESTED = [NESTED]


@pytest.mark.parametrize(
    ("made", "named"),
    [
        (lambda: Event(""), "type"),
        (lambda: Event(3), "type"),
        (lambda: Event("t", source=""), "source"),
        (lambda: Event("t", id=5), "id"),
        (lambda: Event("t", time="yesterday"), "yesterday"),
        (lambda: Event("t", time="2026-11-23T14:03:00"), "timezone"),
        (lambda: Event("t", {"a": [1, {"b": {1, 2}}]}), r"data\.a\[1\]\.b is a builtins\.set"),
        (lambda: Event("t", {1: 2}), "keys of JSON"),
        (lambda: Event("t", [float("nan")]), r"data\[0\] is nan"),
        (lambda: Event("t", Level.HIGH), "Level"),
        (lambda: Event("t", (1, 2)), "tuple"),
        (lambda: Event("t", bytearray(b"x")), "bytearray"),
        (lambda: Event("t", NESTED), "nested"),
        (lambda: Event("t", ["\ud800"]), r"data\[0\].*surrogate"),
        (lambda: Event("t", {"\ud800": 1}), "surrogate"),
        (lambda: Event("\ud800"), "type.*surrogate"),
        (lambda: Event("t", extensions={"x": "\ud800"}), "x.*surrogate"),
        (lambda: Event("t", extensions={"Upper": 1}), "Upper"),
        (lambda: Event("t", extensions={"data": 1}), "data"),
        (lambda: Event("t", extensions={"x": 1.5}), "x is 1.5"),
        (lambda: Event.from_json(b"{"), "no JSON"),
        (lambda: Event.from_json(b"\xff"), "no JSON"),
        (lambda: Event.from_json(b"[" * 100_000), "no JSON"),
        (lambda: Event.from_json(b"[]"), "object"),
        (lambda: Event.from_json(b"{}"), "specversion"),
        (lambda: parsed(specversion="0.3"), "0.3"),
        (lambda: parsed(data_base64="?"), "base64"),
        (lambda: parsed(data_base64=5), "base64"),
        (lambda: parsed(data_base64="", data=1), "both"),
        (lambda: parsed(data=float("inf")), "inf"),
        (lambda: parsed(id=7), "id is 7"),
        (lambda: parsed(time=7), "time is 7"),
        (lambda: parsed(my_ext=7), "my_ext"),
        (lambda: parsed(ext={}), "ext"),
    ],
)
def test_what_is_no_event_is_refused_by_name(made, named):
    with pytest.raises(BadEvent, match=named):
        made()


def parsed(**attributes: object) -> Event:
    event = {"specversion": "1.0", "id": "1", "source": "s", "type": "t", **attributes}
    return Event.from_json(json.dumps(event))


@pytest.mark.parametrize("name", ["id", "source", "type"])
def test_what_every_event_needs_is_asked_for_by_name(name):
    found = {"specversion": "1.0", "id": "1", "source": "s", "type": "t"}
    del found[name]
    with pytest.raises(BadEvent, match=name):
        Event.from_dict(found)


def test_null_is_the_same_as_nothing():
    assert parsed(subject=None, time=None, ext=None).extensions == {}
    assert parsed(subject=None).subject is None


def test_times_are_written_as_rfc_3339_says():
    def at(zone):
        return format_time(datetime(2026, 11, 23, 14, 3, tzinfo=zone))

    assert at(UTC) == "2026-11-23T14:03:00Z"
    assert at(ZoneInfo("Asia/Kolkata")) == "2026-11-23T14:03:00+05:30"
    assert at(timezone(timedelta(seconds=30))) == "2026-11-23T14:02:30Z"
    assert parsed(time="2026-11-23T14:03:00+01:00").time == datetime(
        2026, 11, 23, 13, 3, tzinfo=UTC
    )


@pytest.mark.parametrize("made", [{"data": [10**5000]}, {"extensions": {"big": -(10**5000)}}])
def test_integers_that_python_would_not_write_are_refused(made):
    with pytest.raises(BadEvent, match="more than 4,000 digits"):
        Event("made", **made)
    assert Event.from_json(Event("made", 10**4000).to_json()).data == 10**4000
