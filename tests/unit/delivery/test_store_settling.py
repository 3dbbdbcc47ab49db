"""Attempts: what is due is begun, and what has ended is settled once."""

from __future__ import annotations

from pathlib import Path

from deliveries import again, dead, done, expire, id_of, incoming, interrupted

from nbfaas.delivery.store import EventStore
from nbfaas.model.delivery import Delivery, DeliveryPolicy, DeliveryState

LATER = 2e6


def leased(store: EventStore, count: int = 100, now: float = LATER) -> list[Delivery]:
    return store.lease({"orders": count}, now).result()


def states(store: EventStore, number: int) -> list[str]:
    kept = store.delivery(number)
    assert kept is not None
    return [attempt.state for attempt in kept.attempts]


def test_what_is_due_is_leased_oldest_first_as_room_allows(store, clock) -> None:
    for id_ in "abc":
        store.accept([incoming(id_), incoming(f"other-{id_}", trigger="other")]).result()
        clock.now += 1
    found = store.lease({"orders": 2, "other": 1, "unknown": 5}, clock.now).result()
    assert [id_of(delivery) for delivery in found] == ["a", "b", "other-a"]
    assert store.waiting == {"orders": 1, "other": 2}
    assert [id_of(delivery) for delivery in leased(store)] == ["c"]
    assert leased(store) == []


def test_a_delivery_that_is_done_is_not_leased_again(store) -> None:
    store.accept([incoming("a")]).result()
    [delivery] = leased(store)
    assert store.settle([done(delivery, 5.0, invocation="i", sandbox="s", wall=0.5)]).result()
    kept = store.delivery(delivery.number)
    assert kept.state is DeliveryState.DONE
    [attempt] = kept.attempts
    assert (attempt.state, attempt.ended_at) == ("succeeded", 5.0)
    assert (attempt.invocation, attempt.sandbox, attempt.wall) == ("i", "s", 0.5)
    assert leased(store) == []
    assert store.backlog == 0


def test_a_failed_attempt_is_made_again_when_it_is_due(store) -> None:
    store.accept([incoming("a")]).result()
    [delivery] = leased(store)
    assert store.settle([again(delivery, due_at=3e6, error="boom")]).result() == [True]
    assert leased(store) == []
    assert store.next_due(["orders", "other"]).result() == 3e6
    [second] = leased(store, now=3e6)
    assert (second.epoch, second.attempt, second.due_at) == (2, 2, 3e6)
    assert states(store, delivery.number) == ["failed", "begun"]
    assert store.delivery(delivery.number).attempts[0].error == "boom"


def test_nothing_is_next_where_nothing_waits(store) -> None:
    assert store.next_due([]).result() is None
    assert store.next_due(["orders"]).result() is None
    store.accept([incoming("a", lease=True)]).result()
    assert store.next_due(["orders"]).result() is None


def test_an_outcome_counts_once(store) -> None:
    store.accept([incoming("a")]).result()
    [delivery] = leased(store)
    outcomes = [done(delivery), dead(delivery)]
    assert store.settle(outcomes).result() == [True, False]
    assert store.settle(outcomes).result() == [False, False]
    assert store.delivery(delivery.number).state is DeliveryState.DONE
    assert states(store, delivery.number) == ["succeeded"]


def test_an_outcome_of_no_delivery_is_fenced(store) -> None:
    nobody = Delivery(99, "orders", "", None, 1, 1, 0, 0, 9, 0, DeliveryPolicy(), b"")
    assert store.settle([done(nobody)]).result() == [False]


def test_a_late_outcome_is_noted_and_does_nothing(store, path: Path, clock) -> None:
    store.accept([incoming("a")]).result()
    [stalled] = leased(store)
    store.close()
    reopened = EventStore(path, clock=clock)
    assert reopened.open() == 1
    [current] = leased(reopened)
    assert (current.epoch, current.attempt) == (2, 2)
    late = done(stalled, emits=(incoming("emitted"),))
    assert reopened.settle([late]).result() == [False]
    assert states(reopened, stalled.number) == ["late", "begun"]
    assert reopened.deliveries_of("emitted") == []
    assert reopened.settle([done(current)]).result() == [True]
    assert states(reopened, stalled.number) == ["late", "succeeded"]
    reopened.close()


def test_what_is_emitted_is_accepted_with_the_outcome(store) -> None:
    store.accept([incoming("a")]).result()
    [delivery] = leased(store)
    emits = (incoming("b", lease=True), incoming("b"), incoming("a"))
    assert store.settle([done(delivery, emits=emits)]).result() == [True]
    assert store.waiting == {"orders": 1}
    assert [id_of(found) for found in leased(store)] == ["b"]


def test_an_emitted_event_that_contradicts_another_is_left_out_with_a_notice(
    store, notices
) -> None:
    store.accept([incoming("a")]).result()
    [delivery] = leased(store)
    emits = (incoming("a", data="other"),)
    assert store.settle([done(delivery, emits=emits)]).result() == [True]
    assert store.backlog == 0
    assert "'a'" in notices[0]


def test_those_with_one_key_follow_each_other(store) -> None:
    store.accept([incoming(id_, key="k") for id_ in "abc"] + [incoming("free")]).result()
    first, free = leased(store)
    assert [id_of(first), id_of(free)] == ["a", "free"]
    store.settle([again(first, due_at=3e6)]).result()
    assert leased(store) == []  # b and c wait for a, which waits
    [first] = leased(store, now=3e6)
    store.settle([dead(first)]).result()
    [second] = leased(store)
    assert id_of(second) == "b"
    store.settle([done(second)]).result()
    assert [id_of(delivery) for delivery in leased(store)] == ["c"]


def test_a_redriven_delivery_goes_to_the_front_of_its_line(store) -> None:
    store.accept([incoming(id_, key="k") for id_ in "abc"]).result()
    [first] = leased(store)
    store.settle([dead(first)]).result()
    [second] = leased(store)
    assert store.redrive([first.number]).result() == 1
    assert leased(store) == []  # b is under way
    store.settle([again(second, due_at=0.0)]).result()
    [redriven] = leased(store)
    assert (id_of(redriven), redriven.epoch, redriven.attempt) == ("a", 3, 1)
    store.settle([done(redriven)]).result()
    assert [id_of(delivery) for delivery in leased(store)] == ["b"]


def test_interrupted_attempts_are_made_again_or_are_the_last(store, path: Path, clock) -> None:
    once = DeliveryPolicy(max_attempts=1, max_age=1e8)
    store.accept([incoming("a"), incoming("b", policy=once), incoming("c")]).result()
    first, second = leased(store, 2)
    store.close()
    reopened = EventStore(path, clock=clock)
    assert reopened.open() == 2
    assert reopened.waiting == {"orders": 2}
    assert states(reopened, first.number) == ["interrupted"]
    [letter] = reopened.dead_letters()
    assert letter.number == second.number
    assert "1 attempt" in letter.reason
    assert [attempt.state for attempt in letter.attempts] == ["interrupted"]
    # What had begun comes before what never had its turn.
    assert [id_of(delivery) for delivery in leased(reopened)] == ["a", "c"]
    reopened.close()


def test_an_attempt_that_was_interrupted_is_given_back_under_a_new_epoch(store) -> None:
    once = DeliveryPolicy(max_attempts=1, max_age=1e8)
    store.accept([incoming("a", policy=once)]).result()
    [first] = leased(store)
    assert store.settle([interrupted(first)]).result() == [True]
    assert store.delivery(first.number).attempt == 0
    [second] = leased(store)
    assert (second.epoch, second.attempt) == (2, 1)
    assert store.settle([interrupted(first), done(first)]).result() == [False, False]
    assert store.settle([done(second)]).result() == [True]
    assert states(store, first.number) == ["late", "succeeded"]


def test_what_expired_counts_only_while_it_waits(store, clock) -> None:
    brief = DeliveryPolicy(max_age=60.0)
    store.accept([incoming(id_, policy=brief) for id_ in "abc"]).result()
    [a] = store.lease({"orders": 1}, clock.now).result()
    store.settle([again(a, clock.now)]).result()
    now = clock.now + 60
    overdue = store.overdue(now).result()
    assert [(each.epoch, each.attempt) for each in overdue] == [(1, 1), (0, 0), (0, 0)]
    outcomes = [
        dead(each, now, expired=True, emits=(incoming(f"told-{each.number}"),)) for each in overdue
    ]
    [b] = store.lease({"orders": 1}, clock.now).result()  # by a clock that is behind
    assert b.number == overdue[0].number
    assert store.settle([*outcomes, outcomes[1]]).result() == [False, True, True, False]
    assert store.waiting == {"orders": 2}  # what was told
    assert states(store, b.number) == ["failed", "begun"]
    assert states(store, overdue[1].number) == []
    assert store.deliveries_of(f"told-{b.number}") == []


def test_what_is_too_old_dies_and_is_not_begun(store, clock) -> None:
    brief = DeliveryPolicy(max_age=60.0)
    store.accept([incoming("a", policy=brief), incoming("b", policy=brief, key="k")]).result()
    store.accept([incoming("c", key="k"), incoming("d")]).result()
    now = clock.now + 60
    assert [id_of(delivery) for delivery in leased(store, now=now)] == ["d"]
    died = [each.number for each in expire(store, now)]
    assert [id_of(delivery) for delivery in store.deliveries(died).result()] == ["a", "b"]
    assert expire(store, now) == []
    assert store.waiting == {"orders": 1}
    assert [id_of(delivery) for delivery in leased(store, now=now)] == ["c"]
    assert "max_age, 1 min" in store.dead_letters()[0].reason
