"""Events at the edges: what can't be accepted, told or sent holds up nothing else."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from events import SOON, delivered, new_type, no_triggers, results  # noqa: F401
from waiting import until

import nbfaas
from nbfaas import Event, on, remote
from nbfaas.agent.event import BadEvent
from nbfaas.delivery.entry import KeptEvent
from nbfaas.errors import BadTrigger
from nbfaas.model.delivery import DeliveryPolicy, DeliveryState
from nbfaas.service import Service
from nbfaas.triggers.incoming import new_delivery
from nbfaas.triggers.source import Intake, Source
from nbfaas.triggers.source_intake import SourceIntake
from nbfaas.triggers.trigger import Trigger, TriggerState

pytestmark = [
    pytest.mark.usefixtures("service", "no_triggers"),
    pytest.mark.parametrize("service", ["process"], indirect=True),
]

incoming = sys.modules[new_delivery.__module__]  # nbfaas.triggers is the list of triggers


def _nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


def _told(service: Service, kind: str) -> Callable[[], list[KeptEvent]]:
    """Has a function take events of this type; what it was sent so far."""

    @on.event(kind, name=f"told-of-{kind}")
    @remote(cpu=0.25)
    def tell(data):
        return data

    return lambda: service.events.store.history(f"told-of-{kind}")


def test_events_that_are_refused_take_no_place_of_others(service, monkeypatch):
    monkeypatch.setattr(incoming, "LARGEST_EVENT", 1_000_000)
    kind = new_type()

    @on.event(kind, transform={"x": "$.data"}, max_in_flight=2)
    @remote(cpu=0.25)
    def take(x):
        return x

    for _ in range(3):
        with pytest.raises(BadEvent, match="1 MB are kept"):
            nbfaas.emit(kind, "x" * 1_000_000)
    kept = [delivered(service, nbfaas.emit(kind, n).id)[0] for n in range(3)]
    assert {each.state for each in kept} == {DeliveryState.DONE}


def test_what_a_transformer_nests_too_deeply_is_a_dead_letter_and_no_poison_for_a_source(service):
    kind = new_type()

    @on.event(kind, transform={"x": "$.data"}, delivery=SOON)
    @remote(cpu=0.25)
    def take(x):
        return x

    (dead,) = delivered(service, nbfaas.emit(kind, _nested(101)).id)
    assert dead.state is DeliveryState.DEAD
    assert "nested too deeply" in (dead.attempts[-1].error or "")


def test_an_error_that_is_no_unicode_ends_its_attempt_and_is_told(service):
    failed = new_type("failed")
    kind = new_type()

    @on.event(kind, on_failure=failed, delivery=1)
    @remote(cpu=0.25)
    def read():
        raise ValueError("no such file: \udc80")

    told = _told(service, failed)
    (dead,) = delivered(service, nbfaas.emit(kind).id)
    assert dead.state is DeliveryState.DEAD
    until(told)
    assert nbfaas.triggers.drain(30)


@pytest.mark.parametrize(
    "url", ["http://a b/", "http://" + "a" * 70 + "/", "http://127.0.0.1:1/", "http://é/"]
)
def test_an_url_that_cannot_be_asked_has_its_attempts_and_then_a_dead_letter(service, url):
    kind = new_type()

    @on.event(kind, name="asked", on_success=url, delivery=SOON)
    @remote(cpu=0.25)
    def ask():
        return 1

    nbfaas.emit(kind)
    assert nbfaas.triggers.drain(30)
    (letter,) = nbfaas.dead_letters.list("asked.on_success")
    assert letter.reason == "3 attempts failed"


def test_each_trigger_has_one_source_however_many_threads_define_and_pause_it(service):
    def define() -> None:
        @on.every(60, name="ticks")
        @remote(cpu=0.25)
        def tick():
            return 1

    def flip() -> None:
        trigger = nbfaas.triggers["ticks"]
        for _ in range(5):
            trigger.pause()
            trigger.resume()

    for act in (define, flip):
        threads = [threading.Thread(target=act) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        nbfaas.triggers["ticks"].resume()
        assert _sources(service) == ["nbfaas-source-ticks"]
    nbfaas.triggers["ticks"].remove()
    assert _sources(service) == []


def _sources(service: Service) -> list[str]:
    async def names() -> list[str]:
        await asyncio.sleep(0)
        return [task.get_name() for task in asyncio.all_tasks()]

    return [name for name in service.run(names()) if name.startswith("nbfaas-source-")]


def test_all_dead_letters_are_counted_and_gone_through(service):
    kind = new_type()

    @on.event(kind, name="all-fail", delivery=1)
    @remote(cpu=0.25)
    def fail():
        raise ValueError("no")

    events = [Event(kind) for _ in range(1_100)]
    service.run(service.events.accept(events))
    assert nbfaas.triggers.drain(60)
    assert len(nbfaas.dead_letters) == 1_100
    assert {letter.event["id"] for letter in nbfaas.dead_letters} == {e.id for e in events}
    assert repr(nbfaas.dead_letters).endswith("and 1090 more")


@pytest.mark.parametrize("url", ["http://[::1", "http://a:99999/", "http://a:b/", "http:///"])
def test_a_destination_that_is_no_url_is_refused_where_it_is_written(service, url):
    with pytest.raises(BadTrigger, match="on_success"):
        on.event(new_type(), on_success=url)


def test_a_trigger_that_is_refused_leaves_nothing_of_its_destinations(service):
    @remote(cpu=0.25)
    def one(data):
        return 1

    @remote(cpu=0.25)
    def two(data):
        return 2

    on.http("POST", "/taken", name="first", respond="async")(one)
    with pytest.raises(BadTrigger, match="/taken"):
        on.http("POST", "/taken", name="second", respond="async", on_failure=one)(two)
    on.event(new_type(), name="mine.on_success")(one)
    with pytest.raises(BadTrigger, match=r"mine\.on_success"):
        on.event(new_type(), name="mine", on_success=two)(two)
    assert {trigger.name for trigger in nbfaas.triggers} == {"first", "mine.on_success"}
    assert two.triggers == []


def test_a_destination_that_is_left_out_goes_and_a_name_that_is_free_is_taken_again(service):
    kind = new_type()

    @remote(cpu=0.25)
    def take(data):
        return 1

    on.event(kind, name="led", on_success=take, on_failure=take)(take)
    on.event(kind, name="led", on_failure=take)(take)
    assert {trigger.name for trigger in nbfaas.triggers} == {"led", "led.on_failure"}
    on.event(kind)(take)
    nbfaas.triggers["take-event"].remove()
    on.event(kind)(take)
    assert "take-event" in nbfaas.triggers
    assert "take-event-2" not in nbfaas.triggers


def test_an_event_that_dies_of_age_while_it_waits_is_told_to_its_destination(service):
    kind, failed = new_type(), new_type("failed")

    @on.event(kind, name="aged", on_failure=failed, delivery=DeliveryPolicy(max_age=1.0))
    @remote(cpu=0.25)
    def take():
        return 1

    told = _told(service, failed)
    nbfaas.triggers["aged"].pause()
    receipt = nbfaas.emit(kind, {"n": 1}, subject="seven")
    until(told)
    (failure,) = told()
    data = failure.event["data"]
    assert (data["trigger"], data["attempts"]) == ("aged", 0)
    assert "max_age, 1 s (0 attempts)" in data["reason"]
    assert data["event"]["id"] == receipt.id
    assert failure.event["subject"] == "seven"
    (letter,) = nbfaas.dead_letters.list("aged")
    assert letter.attempts == ()
    # What is redriven and dies again is told of again: it is another failure.
    assert nbfaas.dead_letters.redrive(letter.number) == 1
    until(lambda: len(told()) == 2)
    assert nbfaas.triggers.drain(30)


def test_only_triggers_whose_letters_are_redriven_are_told_of_anew(service, monkeypatch):
    notices: list[str] = []
    monkeypatch.setattr(service, "_notify", notices.append)
    kinds = {name: new_type() for name in ("first-fails", "second-fails")}

    @on.event(kinds["first-fails"], name="first-fails", delivery=1)
    @on.event(kinds["second-fails"], name="second-fails", delivery=1)
    @remote(cpu=0.25)
    def fail():
        raise ValueError("no")

    def fail_both() -> list[str]:
        notices.clear()
        for kind in kinds.values():
            nbfaas.emit(kind)
        assert nbfaas.triggers.drain(30)
        return [text.split("'")[1] for text in notices if "has a dead letter" in text]

    assert sorted(fail_both()) == ["first-fails", "second-fails"]
    assert fail_both() == []
    (letter, *_) = nbfaas.dead_letters.list("first-fails")
    assert nbfaas.dead_letters.redrive(letter.number) == 1
    assert fail_both() == ["first-fails"]
    nbfaas.dead_letters.redrive(trigger="second-fails")
    assert nbfaas.triggers.drain(30)
    assert [text.split("'")[1] for text in notices] == ["first-fails", "second-fails"]


def test_what_a_source_brings_that_is_too_large_is_a_dead_letter_and_it_goes_on(
    service, monkeypatch
):
    monkeypatch.setattr(incoming, "LARGEST_EVENT", 1_000_000)
    failed = new_type("failed")

    @on.event("none", name="swallows", on_failure=failed, transform={"x": "$.data"})
    @remote(cpu=0.25)
    def swallow(x):
        return x

    told = _told(service, failed)
    intake = SourceIntake(service.events, service.events.triggers["swallows"])
    large = Event("made", "x" * 1_000_000, source="queue", id="2")
    batch = [Event("made", 1, source="queue", id="1"), large, Event("made", 3, source="queue")]
    for _ in range(2):  # as after a crash before it was acknowledged
        service.run(intake.accept(batch, state={"at": 3}))
    assert nbfaas.triggers.drain(30)
    assert intake.state == {"at": 3}
    assert len(service.events.store.history("swallows")) == 3
    (letter,) = nbfaas.dead_letters.list("swallows")
    assert letter.event["id"] == "2"
    assert letter.event.get("data") is None
    assert letter.event["nbfaasleftout"] > 1_000_000
    assert "1 MB are kept" in (letter.attempts[0].error or "")
    (failure,) = told()
    assert failure.event["data"]["event"]["id"] == "2"
    # Nobody has put it right meanwhile.
    nbfaas.dead_letters.redrive(letter.number)
    assert nbfaas.triggers.drain(30)
    assert len(nbfaas.dead_letters.list("swallows")) == 1


def test_what_a_transformer_makes_too_large_is_that_trigger_s_dead_letter_only(
    service, monkeypatch
):
    monkeypatch.setattr(incoming, "LARGEST_EVENT", 1_000_000)
    kind = new_type()
    both = {"a": "$.data", "b": "$.data"}

    @on.event(kind, name="doubles", transform=both)
    @on.event(kind, name="takes")
    @remote(cpu=0.25)
    def take(data):
        return len(data)

    kept = delivered(service, nbfaas.emit(kind, "x" * 600_000).id)
    assert {each.trigger: each.state.value for each in kept} == {"doubles": "dead", "takes": "done"}


def test_a_failure_that_with_its_event_would_be_too_large_names_the_event(service, monkeypatch):
    monkeypatch.setattr(incoming, "LARGEST_EVENT", 1_000_000)
    kind, failed = new_type(), new_type("failed")

    @on.event(kind, on_failure=failed, delivery=1)
    @remote(cpu=0.25)
    def fail():
        raise ValueError("no")

    told = _told(service, failed)
    receipt = nbfaas.emit(kind, "x" * 999_500)
    assert nbfaas.triggers.drain(30)
    (failure,) = told()
    assert failure.event["data"]["event"] == {"source": "nbfaas", "id": receipt.id, "type": kind}


def test_a_schedule_that_is_fired_by_hand_gives_what_a_run_would(service):
    @on.schedule("0 0 1 1 *", name="yearly")
    @remote(cpu=0.25)
    def tick(data):
        return [data["schedule"], data["missed"], data["scheduled_at"]]

    (kept,) = delivered(service, nbfaas.triggers["yearly"].fire().id)
    ((schedule, missed, at),) = results(service, kept)
    assert (schedule, missed) == (nbfaas.triggers["yearly"].shown, 0)
    assert datetime.fromisoformat(at).tzinfo is not None


def test_an_attempt_at_what_a_transformer_has_nested_too_deeply_ends_and_is_told(service):
    kind, failed = new_type(), new_type("failed")

    @on.event(kind, transform={"x": "$.data"}, on_failure=failed, delivery=SOON)
    @remote(cpu=0.25)
    def take(x):
        return x

    told = _told(service, failed)
    (dead,) = delivered(service, nbfaas.emit(kind, _nested(101), subject="deep").id)
    assert dead.state is DeliveryState.DEAD
    assert nbfaas.triggers.drain(30)
    (failure,) = told()
    assert failure.event["subject"] == "deep"
    assert "nested too deeply" in failure.event["data"]["error"]


class BadlyStopped(Source):
    """Raises something else when it is told to stop."""

    kind = "event"

    async def run(self, intake: Intake) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            raise OSError("the connection is gone") from None

    def describe(self) -> str:
        return "badly"


def test_a_source_that_fails_as_it_is_stopped_is_stopped(service):
    trigger = Trigger("badly", "event", "function:none", "badly", source=BadlyStopped())
    service.run(service.events.add(trigger))
    service.run(service.events.pause("badly"), 30)
    assert nbfaas.triggers["badly"].state is TriggerState.PAUSED
    assert nbfaas.triggers["badly"].problem is None
    assert "nbfaas-source-badly" not in _sources(service)
    nbfaas.triggers["badly"].remove()


def test_who_can_not_be_told_stops_no_deliveries(service, monkeypatch):
    def broken(message: str) -> None:
        raise BrokenPipeError(message)

    monkeypatch.setattr(service, "_notify", broken)
    kind = new_type()

    @on.event(kind, name="dies-unheard", delivery=1)
    @remote(cpu=0.25)
    def die():
        raise ValueError("no")

    nbfaas.emit(kind)
    assert nbfaas.triggers.drain(30)
    service.notify("something")
    assert len(nbfaas.dead_letters.list("dies-unheard")) == 1
