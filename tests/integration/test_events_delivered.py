"""Events and triggers as a notebook has them, with sandboxes in each backend."""

from __future__ import annotations

import json
import time

import pytest
from events import SOON, delivered, new_type, no_triggers, results, said  # noqa: F401
from waiting import until

import nbfaas
from nbfaas import DeliveryPolicy, Event, on, remote
from nbfaas.errors import (
    BadPattern,
    BadTrigger,
    ConfigurationError,
    EventConflict,
    IntakeFull,
    UnknownDeadLetter,
    UnknownTrigger,
)
from nbfaas.model.delivery import DeliveryState
from nbfaas.service import Service
from nbfaas.settings import Settings
from nbfaas.triggers.trigger import TriggerState

pytestmark = pytest.mark.usefixtures("service", "no_triggers")


def test_an_event_runs_each_function_whose_pattern_matches_it(service):
    kind = new_type()

    @on.event({"type": [kind], "data": {"total": [{"numeric": [">", 100]}]}})
    @remote
    def large(event, context):
        return [event.id, event.data["total"], context.trigger, context.attempt]

    @on.event(kind)
    @remote
    def each(total, subject=None):
        return total

    receipt = nbfaas.emit(kind, {"total": 120}, source="shop")
    assert receipt.triggers == ("large-event", "each-event")
    by_trigger = {kept.trigger: kept for kept in delivered(service, receipt.id)}
    assert results(service, by_trigger["large-event"]) == [[receipt.id, 120, "large-event", 1]]
    assert results(service, by_trigger["each-event"]) == [120]

    small = nbfaas.emit(kind, {"total": 7}, source="shop")
    assert small.triggers == ("each-event",)
    assert nbfaas.emit(new_type(), {"total": 120}).triggers == ()
    assert "no trigger matches" in repr(nbfaas.emit(new_type()))


def test_a_poison_event_has_its_attempts_and_is_then_a_dead_letter_while_others_flow(service):
    kind = new_type("poison")

    @on.event(kind, delivery=DeliveryPolicy(max_attempts=3, initial_delay=0.05, max_delay=0.1))
    @remote
    def pick(n):
        if n == 13:
            raise ValueError("unlucky")
        return n

    poison = nbfaas.emit(kind, {"n": 13})
    others = [nbfaas.emit(kind, {"n": n}) for n in range(10)]
    for n, other in enumerate(others):
        (kept,) = delivered(service, other.id)
        assert kept.state is DeliveryState.DONE
        assert results(service, kept) == [n]
    (dead,) = delivered(service, poison.id)
    assert dead.state is DeliveryState.DEAD
    assert [attempt.state for attempt in dead.attempts] == ["failed"] * 3
    assert [attempt.attempt for attempt in dead.attempts] == [1, 2, 3]

    letter = nbfaas.dead_letters[dead.number]
    assert letter.reason == "3 attempts failed"
    assert letter.event["data"] == {"n": 13}
    assert {attempt.error for attempt in letter.attempts} == {"ValueError: unlucky"}
    assert poison.id in repr(nbfaas.dead_letters)


def test_a_dead_letter_is_redriven_to_the_function_as_it_is_now(service):
    kind = new_type()

    def define(broken):
        @on.event(kind, name="mend", delivery=1)
        @remote
        def mend(x):
            if broken:
                raise RuntimeError("not yet")
            return x + 1

    define(broken=True)
    receipt = nbfaas.emit(kind, {"x": 1})
    (dead,) = delivered(service, receipt.id)
    assert dead.state is DeliveryState.DEAD
    define(broken=False)
    assert nbfaas.dead_letters.redrive(dead.number) == 1
    until(lambda: delivered(service, receipt.id)[0].state is DeliveryState.DONE)
    (done,) = delivered(service, receipt.id)
    assert results(service, done)[-1] == 2
    assert [letter.number for letter in nbfaas.dead_letters] == []
    with pytest.raises(UnknownDeadLetter):
        nbfaas.dead_letters.redrive(done.number)


def test_what_can_never_work_is_not_tried_again(service):
    kind = new_type()

    @on.event(kind, delivery=SOON)
    @remote
    def needs(customer):
        return customer

    (dead,) = delivered(service, nbfaas.emit(kind, {"who": 1}).id)
    assert dead.state is DeliveryState.DEAD
    assert len(dead.attempts) == 1
    assert "customer" in (dead.attempts[0].error or "")
    assert dead.reason == "it would fail the same way again"


def test_results_and_failures_go_on_to_their_destinations(service):
    kind, priced, failed = new_type("order"), new_type("priced"), new_type("failed")

    @on.event(priced)
    @remote
    def ship(event):
        print(json.dumps(["shipped", event.data, event.extensions["nbfaasdepth"]]))

    @on.event(failed)
    @remote
    def report(event):
        print(json.dumps(["failed", event.data["error"], event.data["event"]["data"]]))

    @remote
    def audit(event, context):
        print(json.dumps(["audited", event.data, context.trigger]))

    @on.event(kind, on_success=priced, on_failure=failed, delivery=1, name="price")
    @on.event(kind, on_success=audit, delivery=1, name="check")
    @remote
    def price(n):
        if n < 0:
            raise ValueError("negative")
        return {"price": n * 2}

    nbfaas.emit(kind, {"n": 4})
    nbfaas.emit(kind, {"n": -1})
    assert nbfaas.triggers.drain(60)
    assert said(service, "ship") == [["shipped", {"price": 8}, 1]]
    assert said(service, "audit") == [["audited", {"price": 8}, "check.on_success"]]
    assert said(service, "report") == [["failed", "ValueError: negative", {"n": -1}]]


def test_a_result_that_is_no_json_and_has_to_go_on_fails(service):
    kind = new_type()

    @on.event(kind, on_success=new_type(), delivery=SOON)
    @remote
    def odd():
        return {1, 2}

    (dead,) = delivered(service, nbfaas.emit(kind).id)
    assert "returned something that is no JSON" in (dead.attempts[-1].error or "")
    assert len(dead.attempts) == 1


def test_a_chain_that_loops_is_stopped(service, setting):
    setting(max_chain=3)
    kind = new_type("loop")

    @on.event(kind, on_success=kind)
    @remote
    def again(n):
        return {"n": n + 1}

    nbfaas.emit(kind, {"n": 0})
    until(lambda: len(nbfaas.dead_letters) == 1, 60)
    (letter,) = nbfaas.dead_letters
    assert letter.event["data"] == {"n": 4}
    assert "4 links" in (letter.attempts[-1].error or "")
    assert nbfaas.triggers.drain(10)


def test_the_same_event_is_delivered_once_and_another_with_its_id_is_refused(service):
    kind = new_type()

    @on.event(kind)
    @remote
    def once(x):
        return x

    first = nbfaas.emit(kind, {"x": 1}, source="shop", id="order-1" + kind)
    same = nbfaas.emit(kind, {"x": 1}, source="shop", id="order-1" + kind)
    assert (first.duplicate, same.duplicate) == (False, True)
    assert "accepted before" in repr(same)
    with pytest.raises(EventConflict, match="order-1"):
        nbfaas.emit(kind, {"x": 2}, source="shop", id="order-1" + kind)
    assert len(delivered(service, first.id)) == 1


def test_events_with_one_key_are_handled_one_after_the_other_also_when_one_is_retried(service):
    kind = new_type()

    @on.event(kind, ordered_by="$.data.customer", delivery=SOON)
    @remote(max_containers=2)
    def handle(event, context):
        print(json.dumps([event.data["customer"], event.data["n"], context.attempt]))
        if event.data["n"] == 1 and context.attempt == 1:
            raise OSError("again")

    for n in range(4):
        for customer in ("ann", "bob"):
            nbfaas.emit(kind, {"customer": customer, "n": n})
    assert nbfaas.triggers.drain(60)
    for customer in ("ann", "bob"):
        seen = [(n, attempt) for who, n, attempt in said(service, "handle") if who == customer]
        assert seen == [(0, 1), (1, 1), (1, 2), (2, 1), (3, 1)]


def test_a_transformer_selects_and_renames_what_the_function_gets(service):
    kind = new_type()

    @on.event(kind, transform={"total": "$.data.order.total", "who": "$.source"})
    @remote
    def bill(total, who):
        return [total, who]

    (kept,) = delivered(service, nbfaas.emit(kind, {"order": {"total": 5}}, source="shop").id)
    assert results(service, kept) == [[5, "shop"]]


def test_a_paused_trigger_keeps_its_events_until_it_is_resumed(service):
    kind = new_type()

    @on.event(kind, name="hold")
    @remote
    def hold(x):
        return x

    trigger = nbfaas.triggers["hold"]
    trigger.pause()
    assert trigger.state is TriggerState.PAUSED
    receipt = nbfaas.emit(kind, {"x": 1})
    time.sleep(0.2)
    (kept,) = service.events.store.deliveries_of(receipt.id)
    assert (kept.state, trigger.waiting) == (DeliveryState.WAITING, 1)
    assert "1 waiting" in repr(trigger)
    trigger.resume()
    (kept,) = delivered(service, receipt.id)
    assert results(service, kept) == [1]

    trigger.remove()
    assert nbfaas.emit(kind, {"x": 2}).triggers == ()
    with pytest.raises(UnknownTrigger, match="hold"):
        nbfaas.triggers["hold"]


def test_a_trigger_can_be_fired_by_hand_and_its_pattern_explained(service):
    @on.event({"type": ["never"], "data": {"x": [1]}}, name="fired")
    @remote
    def fired(event):
        return [event.type, event.data]

    trigger = nbfaas.triggers["fired"]
    (kept,) = delivered(service, trigger.fire({"by": "hand"}).id)
    assert results(service, kept) == [["nbfaas.manual", {"by": "hand"}]]
    explained = trigger.explain(Event("never", {"x": 2}))
    assert not explained.matched
    assert "✗" in str(explained)
    assert [(leaf.path, leaf.matched) for leaf in explained.leaves] == [
        ("data.x", False), ("type", True),
    ] or {(leaf.path, leaf.matched) for leaf in explained.leaves} == {
        ("data.x", False), ("type", True),
    }  # fmt: skip


def test_an_event_that_is_too_old_is_a_dead_letter(service):
    kind = new_type()

    @on.event(kind, name="late", delivery=DeliveryPolicy(max_age=1.0))
    @remote
    def late(x):
        return x

    nbfaas.triggers["late"].pause()
    receipt = nbfaas.emit(kind, {"x": 1})
    (dead,) = delivered(service, receipt.id, 30)
    assert dead.state is DeliveryState.DEAD
    assert "max_age, 1 s" in (dead.reason or "")
    assert dead.attempts == ()


def test_a_full_queue_refuses_before_it_accepts(service, setting):
    kind = new_type()

    @on.event(kind, name="full")
    @remote
    def full(n): ...

    trigger = nbfaas.triggers["full"]
    trigger.pause()
    setting(max_backlog=3)
    accepted = [nbfaas.emit(kind, {"n": n}) for n in range(3)]
    with pytest.raises(IntakeFull, match="not accepted") as refused:
        nbfaas.emit(kind, {"n": 4}, id="refused" + kind)
    assert 1 <= refused.value.retry_after <= 60
    assert service.events.store.deliveries_of("refused" + kind) == []
    trigger.resume()
    for receipt in accepted:
        delivered(service, receipt.id)
    delivered(service, nbfaas.emit(kind, {"n": 4}, id="refused" + kind).id)


def test_a_schedule_fires_and_stops_when_it_is_paused(service):
    @on.every(0.3, name="beat")
    @remote
    def beat(data):
        print(json.dumps(["beat", data["missed"]]))

    until(lambda: len(said(service, "beat")) >= 2, 60)
    nbfaas.triggers["beat"].pause()
    assert nbfaas.triggers.drain(20)
    time.sleep(0.2)
    before = len(said(service, "beat"))
    time.sleep(0.7)
    assert len(said(service, "beat")) == before
    assert len(nbfaas.triggers["beat"].next_runs(3)) == 3


def test_a_file_reaches_a_function_that_can_read_it(service, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    inbox.chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == inbox.owner() and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)

    @on.file(f"{inbox}/*.csv", stable=0.1)
    @remote
    def count(path, name):
        with open(path) as file:
            return [name, len(file.readlines())]

    (inbox / "a.csv").write_text("1\n2\n3\n")
    (inbox / "b.txt").write_text("not this\n")
    store = service.events.store
    until(lambda: any(each.event["type"] == "nbfaas.file.created" for each in store.history()), 30)
    (event,) = [each for each in store.history() if each.event["type"] == "nbfaas.file.created"]
    (kept,) = delivered(service, event.id)
    assert results(service, kept) == [["a.csv", 3]]


def test_a_cell_that_is_run_again_takes_the_place_of_its_triggers(service):
    old, new = new_type("old"), new_type("new")

    def define(*kinds):
        @remote
        def handler(event):
            return event.type

        for kind in kinds:
            handler = on.event(kind)(handler)

    define(old, new)
    assert {trigger.name for trigger in nbfaas.triggers} == {"handler-event", "handler-event-2"}
    define(new)
    until(lambda: {trigger.name for trigger in nbfaas.triggers} == {"handler-event"})
    assert nbfaas.emit(old).triggers == ()
    receipt = nbfaas.emit(new)
    (kept,) = delivered(service, receipt.id)
    assert results(service, kept) == [new]


def test_what_makes_no_sense_is_refused_where_it_is_written(service):
    @remote
    def f(event): ...

    with pytest.raises(BadPattern, match=r"\$\.data\.total\[0\]"):
        on.event({"data": {"total": [{"numerc": [">", 1]}]}})(f)
    with pytest.raises(BadTrigger, match="did you mean 'on_success'"):
        on.event("x", on_sucess=f)
    with pytest.raises(BadTrigger, match="max_attempts"):
        on.event("x", delivery=0)
    with pytest.raises(BadTrigger, match="on_failure"):
        on.event("x", on_failure="http://")
    with pytest.raises(BadTrigger, match="schedule"):
        on.schedule("61 * * * *")
    with pytest.raises(BadTrigger, match="name"):
        on.event("x", name="no spaces")
    on.event("x", name="taken")(f)

    @remote
    def g(event): ...

    with pytest.raises(BadTrigger, match="'f' has this name"):
        on.event("x", name="taken")(g)
    assert [trigger.name for trigger in nbfaas.triggers] == ["taken"]


def test_events_can_be_emitted_and_delivered_by_the_thousand(service):
    kind = new_type()

    @on.event(kind)
    @remote
    def count(n): ...

    async def emit_all():
        events = [Event(kind, {"n": n}) for n in range(2000)]
        for start in range(0, 2000, 100):
            await service.events.accept(events[start : start + 100])

    service.run(emit_all())
    assert nbfaas.triggers.drain(60)
    kept = [
        delivery
        for event in service.events.store.history("count-event", limit=3000)
        for delivery in event.deliveries
    ]
    assert len(kept) == 2000
    assert {(each.state, len(each.attempts)) for each in kept} == {(DeliveryState.DONE, 1)}


@pytest.mark.parametrize("service", ["process"], indirect=True)
def test_the_name_of_a_store_is_no_path(tmp_path):
    settings = Settings(event_store="../elsewhere", data_dir=str(tmp_path), backend="process")
    service = Service(settings, lambda message: None)
    try:
        with pytest.raises(ConfigurationError, match=r"\.\./elsewhere"):
            service.events
    finally:
        service.close()
