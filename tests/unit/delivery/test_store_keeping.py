"""Dead letters, and what is kept for how long."""

from __future__ import annotations

from deliveries import dead, done, expire, id_of, incoming

from nbfaas.delivery.store import EventStore
from nbfaas.model.delivery import DeliveryPolicy

HOUR = 3600.0


def die(store: EventStore, *events: object) -> list[int]:
    """Accept events and let their deliveries die; returns the deliveries' numbers."""
    store.accept(events).result()
    room = dict(store.waiting)
    died = store.lease(room, 2e6).result()
    outcomes = [dead(delivery, 5.0, reason=f"no {id_of(delivery)}") for delivery in died]
    store.settle(outcomes).result()
    return [delivery.number for delivery in died]


def test_dead_letters_say_what_why_and_how_often(store: EventStore) -> None:
    number, *_ = die(store, incoming("a", data={"x": 1}), incoming("b", trigger="mail"))
    letters = store.dead_letters()
    assert [letter.event["id"] for letter in letters] == ["b", "a"]
    assert store.dead_letters("orders") == [letters[1]]
    assert store.dead_letters(limit=1) == [letters[0]]
    assert store.dead_letter(number) == letters[1]
    assert store.dead_counts() == {"orders": 1, "mail": 1}
    assert (letters[1].reason, letters[1].died_at) == ("no a", 5.0)
    assert [attempt.state for attempt in letters[1].attempts] == ["failed"]


def test_there_is_no_dead_letter_of_what_is_not_dead(store: EventStore) -> None:
    [accepted] = store.accept([incoming("a", lease=True)]).result()
    assert store.dead_letter(accepted.leased[0].number) is None
    assert store.dead_letters() == []
    for number in (99, 10**30, -(10**30)):
        assert store.delivery(number) is None
        assert store.dead_letter(number) is None
        assert store.redrive([number]).result() == 0


def test_a_redriven_letter_is_delivered_as_if_it_were_new(store: EventStore, clock) -> None:
    brief = DeliveryPolicy(max_age=60.0)
    store.accept([incoming("a", policy=brief)]).result()
    clock.now += 100
    [died] = expire(store, clock.now)
    clock.now += 100
    assert store.redrive([died.number, 77]).result() == 1
    assert store.redrive([died.number]).result() == 0
    assert store.waiting == {"orders": 1}
    assert expire(store, clock.now) == []
    [delivery] = store.lease({"orders": 1}, clock.now).result()
    assert (delivery.attempt, delivery.due_at) == (1, clock.now)
    assert store.dead_letters() == []


def test_redriving_and_purging_take_all_or_those_of_one_trigger(store: EventStore) -> None:
    numbers = die(
        store,
        *(incoming(f"o{n}") for n in range(1200)),
        *(incoming(f"m{n}", trigger="mail", key=str(n % 7)) for n in range(30)),
    )
    while store.backlog:  # those with one key die one after the other
        numbers += die(store)
    assert len(numbers) == 1230
    assert store.redrive(numbers[:1100], "mail").result() == 0
    assert store.redrive(None, "mail").result() == 30
    assert store.waiting == {"mail": 30}
    assert store.purge(numbers[:3]).result() == 3
    assert store.dead_counts() == {"orders": 1197}
    assert store.purge(None, "mail").result() == 0
    assert store.redrive(numbers[:1100]).result() == 1097
    assert store.purge(None).result() == 100
    assert store.waiting == {"mail": 30, "orders": 1097}


def test_what_waits_for_one_trigger_can_be_forgotten(store: EventStore) -> None:
    store.accept([incoming(f"o{n}", key=str(n % 7)) for n in range(1200)]).result()
    store.accept([incoming("m", trigger="mail")]).result()
    [under_way] = store.lease({"orders": 1}, 2e6).result()
    assert store.forget("orders").result() == 1199
    assert store.forget("orders").result() == 0
    assert store.waiting == {"mail": 1}
    assert store.settle([done(under_way, 5.0)]).result() == [True]
    assert store.accept([incoming("o7", key="0")]).result()[0].duplicate
    store.accept([incoming("new", key="0")]).result()
    assert [each.key for each in store.lease({"orders": 9}, 2e6).result()] == ["0"]


def test_the_event_of_a_purged_letter_is_still_told_from_its_duplicates(store: EventStore) -> None:
    die(store, incoming("a"))
    assert store.purge(None).result() == 1
    assert store.accept([incoming("a")]).result()[0].duplicate


def test_what_is_done_is_forgotten_after_the_longest_age_of_its_deliveries(
    store: EventStore, clock
) -> None:
    start = clock.now
    for id_, age in (("short", 60.0), ("long", 48 * HOUR)):
        event = incoming(id_, policy=DeliveryPolicy(max_age=age), lease=True)
        [accepted] = store.accept([event]).result()
        store.settle([done(accepted.leased[0])]).result()
    store.accept([incoming("bare", trigger=None), incoming("waiting")]).result()
    assert store.prune(start + 6 * HOUR - 1).result() == 0
    assert store.accept([incoming("short")]).result()[0].duplicate
    assert store.prune(start + 6 * HOUR).result() == 2
    assert [event.id for event in store.history()] == ["waiting", "long"]
    assert store.prune(start + 48 * HOUR).result() == 1
    assert store.prune(start + 1e6 * HOUR).result() == 0
    assert [event.id for event in store.history()] == ["waiting"]
    assert not store.accept([incoming("short")]).result()[0].duplicate


def test_pruning_goes_in_steps_and_gives_space_back(store: EventStore, clock, path) -> None:
    events = [
        incoming(str(n), data="x" * 2000, lease=True, policy=DeliveryPolicy()) for n in range(2100)
    ]
    accepted = store.accept(events).result()
    store.settle([done(each.leased[0]) for each in accepted]).result()
    assert store.prune(clock.now + 7 * HOUR).result() == 2100
    store.close()
    assert path.stat().st_size < 2_000_000


def test_history_shows_the_latest_of_all_or_of_a_trigger(store: EventStore) -> None:
    for id_ in "abc":
        store.accept([incoming(id_), incoming(f"mail-{id_}", trigger="mail")]).result()
    assert [event.id for event in store.history(limit=2)] == ["mail-c", "c"]
    assert [event.id for event in store.history("orders", 2)] == ["c", "b"]
    assert store.history("unknown") == []
    [delivery] = store.deliveries_of("b")
    assert (delivery.trigger, delivery.attempts) == ("orders", ())


def test_the_oldest_undone_of_each_trigger_is_known(store: EventStore, clock) -> None:
    start = clock.now
    assert store.oldest() == {}
    for number in range(3):
        store.accept([incoming(f"a{number}"), incoming(f"b{number}", trigger="b")]).result()
        clock.now += 1
    leased = store.lease({"orders": 1, "b": 3}, clock.now).result()
    store.settle([done(delivery) for delivery in leased]).result()
    assert store.oldest() == {"orders": start + 1}
