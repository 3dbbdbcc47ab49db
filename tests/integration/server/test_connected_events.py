"""Events of a notebook that works on a server: emitted, delivered, dead and redriven there."""

from __future__ import annotations

import json
import os
import re
from urllib.request import Request, urlopen

import pytest
import redis
from connected import shown, small
from queue_servers import PASSWORD, QUOTED, RedisServer
from serving import ROOT
from waiting import until

import nbfaas
from nbfaas import Event, events, on, remote
from nbfaas.errors import (
    BadPattern,
    EventConflict,
    UnknownDeadLetter,
    UnknownTrigger,
)
from nbfaas.triggers.trigger import TriggerState

pytestmark = pytest.mark.docker  # the fixtures remove images that are deployed


def test_an_event_that_is_emitted_runs_a_function_of_the_notebook_on_the_server(server):
    @on.event({"type": ["order.created"], "data": {"total": [{"numeric": [">", 100]}]}})
    @small
    def on_order(event, context):
        print("handling", event.id)
        return {"id": event.id, "attempt": context.attempt, "function": context.function_name}

    receipt = nbfaas.emit("order.created", {"total": 120}, source="shop", id="7")
    assert receipt.triggers == ("on_order-event",)
    assert not receipt.duplicate
    assert nbfaas.emit("order.created", {"total": 5}).triggers == ()
    assert nbfaas.emit(receipt.event).duplicate
    with pytest.raises(EventConflict) as conflict:
        nbfaas.emit("order.created", {"total": 121}, source="shop", id="7")
    assert (conflict.value.source, conflict.value.event_id) == ("shop", "7")
    assert nbfaas.triggers.drain(60)

    sent = events.send(Event("order.created", {"total": 300}, id="8"))
    (delivery,) = sent.wait(60)
    assert (delivery.target, delivery.state) == ("on_order", "done")
    assert delivery.attempts[0].result == {"id": "8", "attempt": 1, "function": "on_order"}
    assert delivery.attempts[0].log == "handling 8\n"


def test_what_fails_is_a_dead_letter_that_can_be_redriven_and_purged(server, tmp_path):
    flag = tmp_path / "works"

    @on.event("pay", delivery=2, name="paying")
    @small
    def pay(data):

        if not os.path.exists(data):
            raise ValueError("no money")

    nbfaas.emit("pay", str(flag), id="one")
    nbfaas.emit("pay", str(tmp_path / "never"), id="two")
    assert nbfaas.triggers.drain(60)
    assert len(nbfaas.dead_letters) == 2
    letters = {each.event["id"]: each for each in nbfaas.dead_letters}
    assert [each.state for each in letters["one"].attempts] == ["failed", "failed"]
    assert letters["one"].attempts[-1].error == "ValueError: no money"
    assert nbfaas.dead_letters[letters["one"].number].trigger == "paying"
    with pytest.raises(UnknownDeadLetter):
        nbfaas.dead_letters[999]
    assert "no money" in shown("dlq")
    flag.touch()
    assert nbfaas.dead_letters.redrive(letters["one"].number) == 1
    assert nbfaas.triggers.drain(60)
    assert [each.event["id"] for each in nbfaas.dead_letters] == ["two"]
    assert "forgotten" in shown("dlq", "purge --all")
    assert len(nbfaas.dead_letters) == 0


def test_what_waits_for_a_trigger_that_is_gone_can_be_forgotten(server):
    @on.event("left", name="leaving")
    @small
    def left(event): ...

    nbfaas.triggers["leaving"].pause()
    nbfaas.emit("left", {})
    assert "1 event waits" in shown("triggers", "remove leaving")
    assert "missing" in shown("triggers", "show leaving")
    assert shown("triggers", "remove leaving --forget") == "1 event is forgotten."


def test_results_and_failures_go_to_other_functions_of_the_notebook(server):
    @small
    def told(data):
        return [data["error"], data["function"]]

    @on.event("price", on_success="priced", on_failure=told, delivery=1)
    @small
    def price(total):
        return {"price": 100 / total}

    @on.event("priced")
    @small
    def note(price):
        return price

    (delivery,) = events.send(Event("price", {"total": 4})).wait(60)
    (passed,) = delivery.passed_on
    assert passed.deliveries[0].attempts[0].result == 25.0
    (delivery,) = events.send(Event("price", {"total": 0})).wait(60)
    (passed,) = delivery.passed_on
    assert passed.deliveries[0].target == "told"
    error, function = passed.deliveries[0].attempts[0].result
    assert error.startswith("ZeroDivisionError")
    assert function == "price"


def test_triggers_are_paused_resumed_fired_explained_and_removed(server):
    @on.event("a.b")
    @small
    def seen(event):
        return event.type

    trigger = nbfaas.triggers["seen-event"]
    trigger.pause()
    assert trigger.state is TriggerState.PAUSED
    nbfaas.emit("a.b")
    assert trigger.waiting == 1
    assert "paused" in shown("triggers")
    trigger.resume()
    assert nbfaas.triggers.drain(60)
    assert (trigger.waiting, trigger.state) == (0, TriggerState.ACTIVE)
    assert trigger.fire({"x": 1}).triggers == ("seen-event",)
    assert not trigger.explain(Event("a.c"))
    assert nbfaas.events.which(Event("a.b")).matched
    assert "a.b" in shown("events")
    assert "seen-event" in shown("metrics")
    trigger.remove()
    assert "seen-event" not in nbfaas.triggers
    with pytest.raises(UnknownTrigger):
        nbfaas.triggers["seen-event"]
    with pytest.raises(BadPattern):
        on.event({"type": "no list"})


def test_a_cell_that_is_run_again_replaces_its_triggers_and_one_without_removes_them(server):
    def define(answer, kinds):
        def score(event):
            return answer

        function = small(score)
        for kind in kinds:
            function = on.event(kind)(function)
        return function

    define(1, ["a", "b"])
    assert {each.name for each in nbfaas.triggers} == {"score-event", "score-event-2"}
    define(2, ["a"])
    until(lambda: {each.name for each in nbfaas.triggers} == {"score-event"})
    (delivery,) = events.send(Event("a")).wait(60)
    assert delivery.attempts[0].result == 2


def test_schedules_files_and_requests_are_the_servers(server, running, tmp_path):
    @on.every(0.5, name="ticking")
    @on.file(str(tmp_path / "inbox" / "*.csv"), stable=0.1, name="rows")
    @small
    def handle(event):
        return event.subject

    @on.http("GET", "/double/{n:int}")
    @small
    def double(n: int):
        return {"twice": 2 * n}

    until((tmp_path / "inbox").exists)
    (tmp_path / "inbox" / "a.csv").write_text("1")
    assert len(nbfaas.triggers["ticking"].next_runs(3)) == 3
    endpoint = nbfaas.endpoint()
    assert endpoint.url == running.url
    request = Request(f"{endpoint.url}/double/21", headers=endpoint.headers)
    with urlopen(request, timeout=60) as answer:
        assert json.load(answer) == {"twice": 42}

    def done():
        store = nbfaas.service.get_service().events.store
        kinds = {each.event["type"] for each in store.history("ticking")}
        kinds |= {each.event["type"] for each in store.history("rows")}
        return kinds == {"nbfaas.schedule.tick", "nbfaas.file.created"}

    until(done, 30)


@pytest.mark.queues
def test_a_queue_is_read_with_its_password_which_nobody_is_shown(server, running):
    queue = RedisServer()
    try:
        queue.start()

        @on.queue(queue.url, stream="orders")
        @small
        def read(event):
            return event.data

        with redis.Redis.from_url(queue.url) as client:
            client.xadd("orders", {"n": "7"})
        store = nbfaas.service.get_service().events.store
        until(lambda: store.history("read-queue"), 30)
        assert nbfaas.triggers.drain(60)
        assert "read-queue" in shown("triggers")
        for text in (shown("triggers"), running.told, repr(list(nbfaas.triggers))):
            assert QUOTED not in text
            assert PASSWORD not in text
    finally:
        queue.close()


def test_the_example_on_the_page_works(server):
    page = (ROOT / "docs" / "operations.md").read_text()
    _, section = page.split("\n## Events of a connected notebook\n")
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)[1]
    found = {"nbfaas": nbfaas, "on": on, "remote": remote, "__name__": "__main__"}
    exec(compile(code, "page", "exec"), found)
    assert found["receipt"].triggers == ("on_order-event",)
    assert "bill 120" in shown("logs", "on_order")


def test_the_first_dead_letter_of_a_trigger_and_of_its_destination_is_told(server, capsys):
    @on.event("bad", delivery=1, on_failure="http://me:s3cret@127.0.0.1:9/nobody")
    @small
    def fail():
        raise ValueError("always")

    told = []

    def heard(word):
        told.append(capsys.readouterr().err)
        return word in "".join(told)

    for _ in range(2):
        nbfaas.emit("bad")
        assert nbfaas.triggers.drain(60)
    for name in ("fail-event", "fail-event.on_failure"):
        until(lambda name=name: heard(f"{name!r} has a dead letter"), 30)
        assert "".join(told).count(f"{name!r} has") == 1
    for text in (shown("triggers"), shown("dlq"), repr(list(nbfaas.triggers)), "".join(told)):
        assert "s3cret" not in text
