"""Messages of queues as events, whatever is in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from nbfaas.agent.event import Event
from nbfaas.triggers.queue_message import MESSAGE_TYPE, from_body, from_fields

WHERE = {"source": "nats://host:4222/S", "id": "7", "subject": "orders"}
TIME = datetime(2026, 3, 1, tzinfo=UTC)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["ce-specversion", "ce-id", "ce-type", "ce-source", "ce-time", "Content-Type", "x"]
    )
    | st.text(min_size=1),
    st.sampled_from(
        ["1.0", "application/json", "application/cloudevents+json", "text/plain", "\ud800"]
    )
    | st.text(),
)
BODIES = st.binary() | st.sampled_from(
    [
        b"NaN",
        b'"\\ud800"',
        b"[" * 100_000,
        b'{"specversion": "1.0", "id": "\\ud800", "type": "t", "source": "s"}',
        b'{"specversion": "1.0", "id": "1", "type": "t", "source": "s", "time": "yesterday"}',
        b'{"specversion": "1.0", "id": 1, "type": "t", "source": "s"}',
        b"9" * 10_000,
        b"1e999",
    ]
)


@given(BODIES, HEADERS)
def test_any_body_is_an_event_that_can_be_written(body, headers):
    message = from_body(body, headers, **WHERE, time=TIME)
    for event in (message.event, *message.otherwise()):
        assert Event.from_json(event.to_json()).id == event.id


@given(st.lists(st.tuples(st.binary() | st.sampled_from([b"event", b"data"]), BODIES), max_size=3))
def test_any_fields_are_an_event_that_can_be_written(pairs):
    message = from_fields(pairs, **WHERE, time=TIME)
    for event in (message.event, *message.otherwise()):
        assert Event.from_json(event.to_json()).id == event.id


def test_a_message_is_the_same_event_each_time_it_is_read():
    bare = json.dumps({"specversion": "1.0", "id": "A", "type": "t", "source": "s"}).encode()
    once, again = (from_fields([(b"event", bare)], **WHERE, time=TIME) for _ in range(2))
    assert once.event == again.event
    assert once.event.time == TIME
    assert list(once.otherwise()) == list(again.otherwise())


def test_what_is_handed_in_instead_names_the_message():
    inner = Event("order.new", source="/shop", id="A")
    message = from_fields([(b"data", inner.to_json())], **WHERE, time=TIME)
    assert message.event == inner
    first, last = message.otherwise()
    assert (first.type, first.source, first.id) == (MESSAGE_TYPE, WHERE["source"], "7")
    assert last.id.startswith("7#")
    assert last.data == first.data == {"data": inner.to_json().decode()}
