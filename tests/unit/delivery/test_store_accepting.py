"""What is accepted is kept once, with its deliveries."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from deliveries import done, id_of, incoming

from nbfaas.delivery.store import EventStore
from nbfaas.model.delivery import DeliveryPolicy, DeliveryState, NewDelivery


def test_an_accepted_event_waits_to_be_delivered(store: EventStore) -> None:
    [accepted] = store.accept([incoming("a")]).result()
    assert not accepted.duplicate
    assert not accepted.conflict
    assert store.waiting == {"orders": 1}
    [event] = store.history()
    assert (event.id, event.source, event.event["type"]) == ("a", "test", "made")
    assert [delivery.state for delivery in event.deliveries] == [DeliveryState.WAITING]


def test_the_same_event_is_kept_once(store: EventStore) -> None:
    [first] = store.accept([incoming("a")]).result()
    [second] = store.accept([incoming("a")]).result()
    assert (second.number, second.duplicate, second.conflict) == (first.number, True, False)
    assert store.waiting == {"orders": 1}


def test_another_event_with_the_same_id_is_refused(store: EventStore) -> None:
    [first] = store.accept([incoming("a", data=1)]).result()
    [second] = store.accept([incoming("a", data=2)]).result()
    assert (second.number, second.duplicate, second.conflict) == (first.number, False, True)
    assert store.waiting == {"orders": 1}
    assert store.history()[0].event["data"] == 1


def test_events_of_one_batch_are_told_apart_likewise(store: EventStore) -> None:
    events = [incoming("a"), incoming("b"), incoming("a"), incoming("b", data="other")]
    accepted = store.accept(events).result()
    assert [(a.duplicate, a.conflict) for a in accepted] == [
        (False, False),
        (False, False),
        (True, False),
        (False, True),
    ]
    assert store.backlog == 2


def test_the_same_id_of_another_source_is_another_event(store: EventStore) -> None:
    events = [
        incoming("bc", source="a"),
        incoming("c", source="ab"),
        incoming("c\0d", source="ab"),
        incoming("c\0e", source="ab"),
    ]
    assert not any(accepted.duplicate for accepted in store.accept(events).result())
    assert store.backlog == 4


def test_an_event_without_deliveries_is_kept_to_tell_its_duplicates(store: EventStore) -> None:
    store.accept([incoming("a", trigger=None)]).result()
    assert store.backlog == 0
    assert store.accept([incoming("a", trigger=None)]).result()[0].duplicate


def test_an_attempt_begins_with_the_acceptance(store: EventStore) -> None:
    [accepted] = store.accept([incoming("a", lease=True)]).result()
    [delivery] = accepted.leased
    assert (delivery.epoch, delivery.attempt, id_of(delivery)) == (1, 1, "a")
    assert store.waiting == {}
    kept = store.delivery(delivery.number)
    assert kept is not None
    assert kept.state is DeliveryState.LEASED
    assert [attempt.state for attempt in kept.attempts] == ["begun"]
    assert store.lease({"orders": 9}, 2e6).result() == []


def test_no_attempt_begins_while_an_earlier_one_with_the_key_is_undone(store: EventStore) -> None:
    events = [incoming(id_, key="k", lease=True) for id_ in "abc"]
    first, *others = store.accept(events).result()
    assert len(first.leased) == 1
    assert [accepted.leased for accepted in others] == [(), ()]
    [later] = store.accept([incoming("d", key="k", lease=True)]).result()
    assert later.leased == ()
    [other_key] = store.accept([incoming("e", key="l", lease=True)]).result()
    assert len(other_key.leased) == 1
    assert store.settle([done(first.leased[0])]).result() == [True]
    assert [id_of(delivery) for delivery in store.lease({"orders": 9}, 2e6).result()] == ["b"]


def test_a_delivery_has_all_that_it_was_accepted_with(store: EventStore, clock: object) -> None:
    policy = DeliveryPolicy(7, 0.5, 3.0, 10.0, 3600.0)
    new = NewDelivery("orders", "url:http://x", policy, key="κ", body=b'{"other":"\xc3\xa9"}')
    event = msgspec.structs.replace(incoming("a"), depth=3, deliveries=(new,))
    store.accept([event]).result()
    [delivery] = store.lease({"orders": 1}, 1e6).result()
    assert msgspec.structs.astuple(delivery)[1:] == (
        "orders", "url:http://x", "κ", 1, 1, 1e6, 1e6, 1e6 + 3600, 3, policy, new.body,
    )  # fmt: skip


def test_bodies_come_back_byte_for_byte(store: EventStore) -> None:
    bodies = [b"{}", '{"x":"é\\u0000\\ud800 😀\\n"}'.encode(), b'{"n":1e400,"n":-0.0}', b'"' * 9000]
    events = [
        msgspec.structs.replace(incoming(str(n)), body=body, digest=b"d")
        for n, body in enumerate(bodies)
    ]
    store.accept(events).result()
    assert [delivery.body for delivery in store.lease({"orders": 9}, 2e6).result()] == bodies


def test_a_sources_state_is_replaced_with_the_acceptance(store: EventStore, path: Path) -> None:
    assert store.state_of("folder") is None
    store.accept([incoming("a")], source_key="folder", state=b'{"seen":1}').result()
    store.accept([], source_key="folder", state=b'{"seen":2}').result()
    store.accept([incoming("b")], source_key="other", state=b"\xff").result()
    assert (store.state_of("folder"), store.state_of("other")) == (b'{"seen":2}', b"\xff")
    store.close()
    again = EventStore(path)
    again.open()
    assert again.state_of("folder") == b'{"seen":2}'
    again.close()


def test_an_event_that_is_no_text_fails_alone(store: EventStore) -> None:
    bad = msgspec.structs.replace(incoming("bad"), body=b"\xff")
    # They are written in one transaction, because the first keeps the writer busy.
    futures = [store.accept([event]) for event in (*_many("x"), bad, *_many("y"))]
    failed = [future for future in futures if future.exception() is not None]
    assert len(failed) == 1
    with pytest.raises(UnicodeDecodeError):
        failed[0].result()
    assert store.backlog == 40
    assert len(store.lease({"orders": 99}, 2e6).result()) == 40


def _many(prefix: str) -> list[object]:
    return [incoming(f"{prefix}{number}") for number in range(20)]
