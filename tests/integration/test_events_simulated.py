"""Events sent from ``nbfaas.events``, and what becomes of them, with real sandboxes."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from events import SOON, delivered, doubling, new_type, no_triggers, said  # noqa: F401

import nbfaas
from nbfaas import events, on, remote
from nbfaas.errors import EventConflict, RemoteError, UnknownTrigger
from nbfaas.model.delivery import DeliveryState
from nbfaas.model.invocation import InvocationState

pytestmark = [
    pytest.mark.usefixtures("service", "no_triggers"),
    pytest.mark.parametrize("service", ["process"], indirect=True),
]


def test_a_sent_event_tells_its_deliveries_with_results_logs_and_chain(service):
    _, kind, done = doubling()
    event = events.template("order.created", type=kind, total=120)
    sent = events.send(event)
    assert sent.triggers == ("double-event",)
    (delivery,) = sent.wait()
    assert (delivery.trigger, delivery.target, delivery.state) == (
        "double-event", "double", DeliveryState.DONE,
    )  # fmt: skip
    (attempt,) = delivery.attempts
    assert attempt.state == "succeeded"
    assert attempt.invocation_state is InvocationState.SUCCEEDED
    assert attempt.result == {"total": 240}
    assert attempt.result_text == "{'total': 240}"
    assert attempt.log == "doubling 120\n"
    assert attempt.wall is not None
    assert attempt.queued is not None
    assert delivery.invocations == (attempt.invocation,)
    assert attempt.call.id == attempt.invocation
    (link,) = delivery.passed_on
    assert (link.event.type, link.event.data) == (done, {"total": 240})
    assert link.event.extensions["nbfaascause"] == f"shop {event.id}"
    assert link.deliveries[0].attempts[0].result == "total 240"
    assert "attempt 1 succeeded 'total 240'" in repr(delivery)
    assert events.history()[0] is sent

    small = events.send(events.fresh(event, data={"total": 7}))
    assert small.triggers == ()
    assert small.deliveries() == []
    assert "no trigger matches" in repr(small)


def test_a_failing_event_tells_its_attempts_and_where_the_failure_went(service):
    kind = new_type("poison")

    @remote
    def told(data):
        return data["reason"]

    @on.event(kind, delivery=SOON, on_failure=told)
    @remote
    def fail(n):
        raise KeyError(n)

    (delivery,) = events.send(nbfaas.Event(kind, {"n": 13})).wait()
    assert delivery.state is DeliveryState.DEAD
    assert [each.state for each in delivery.attempts] == ["failed"] * 3
    assert [each.attempt for each in delivery.attempts] == [1, 2, 3]
    assert all("KeyError: 13" in (each.error or "") for each in delivery.attempts)
    assert delivery.attempts[0].result_text == ""
    with pytest.raises((KeyError, RemoteError)):
        _ = delivery.attempts[0].result
    (link,) = delivery.passed_on
    assert link.event.data["event"]["data"] == {"n": 13}
    assert link.deliveries[0].attempts[0].result == delivery.reason
    assert len(nbfaas.dead_letters.list("fail-event")) == 1


def test_a_replay_is_a_new_event_unless_it_is_to_be_the_same(service):
    kind = new_type()

    @on.event(kind)
    @remote
    def echo_replayed(n):
        return n

    first = events.send(nbfaas.Event(kind, {"n": 1}))
    again, edited = first.replay(), first.replay(data={"n": 2})
    same = first.replay(exact=True)
    assert len({first.id, again.id, edited.id}) == 3
    assert same.id == first.id
    assert same.duplicate
    assert "a duplicate" in repr(same)
    assert [each.wait()[0].attempts[0].result for each in (first, again, edited, same)] == [
        1, 1, 2, 1,
    ]  # fmt: skip
    with pytest.raises(EventConflict):
        first.replay(exact=True, data={"n": 3})
    assert "EventConflict" in str(events.history()[0].refusal)
    assert events.history()[0].deliveries() == []
    assert [each.id for each in events.history(4)][1:] == [same.id, edited.id, again.id]


def test_an_event_can_be_addressed_to_a_trigger_whatever_its_rule(service):
    @on.event(new_type())
    @remote
    def addressed(event):
        return event.type

    sent = events.send(nbfaas.Event("other"), to="addressed-event")
    assert sent.wait()[0].attempts[0].result == "other"
    assert sent.replay().wait()[0].attempts[0].result == "other"
    with pytest.raises(UnknownTrigger):
        events.send(nbfaas.Event("other"), to="nobody")


def test_a_function_without_a_trigger_is_invoked_with_an_event(service):
    @remote
    def without_trigger(total, context):
        return [total, context.trigger]

    call = events.invoke(without_trigger, events.template("order.created", data={"total": 3}))
    assert call.result(60) == [3, "simulator"]
    assert events.invoke("without_trigger", nbfaas.Event("a", {"total": 4})).result(60)[0] == 4


def test_each_trigger_says_why_it_does_not_match(service):
    kind = new_type()

    @on.event({"type": [kind], "data": {"total": [{"numeric": [">", 100]}]}})
    @on.event(kind, name="all")
    @on.schedule("0 0 1 1 *", name="yearly")
    @remote
    def matched(event): ...

    nbfaas.triggers["all"].pause()
    found = events.which(events.template("order.created", type=kind, total=7))
    assert [each.trigger for each in found.matched] == ["all"]
    by_name = {each.trigger: each for each in found}
    assert by_name["all"].paused
    assert [leaf.path for leaf in by_name["matched-event"].failed] == ["data.total"]
    assert "nothing from the bus" in by_name["yearly"].note
    assert "✗ data.total: wanted > 100, found 7" in repr(found)
    assert found[0].to_dict()["matched"]


def test_every_event_of_a_burst_is_delivered_once_and_poison_is_dead(service):
    kind = new_type()

    @on.event(kind, delivery=2)
    @remote
    def count_burst(data, event):
        assert {name: type(value).__name__ for name, value in data.items()} == {
            "order_id": "str", "customer": "dict", "lines": "list", "total": "int",
            "currency": "str", "shipping": "dict",
        }  # fmt: skip
        print(json.dumps([event.id, data["total"]]))

    burst = events.Burst(
        events.template("order.created", type=kind),
        500,
        seed=5,
        vary={"$.data.total": events.Range(1, 500)},
        duplicates=0.05,
        poison=0.02,
    )
    told = []
    result = burst.send(progress=told.append)
    planned = list(burst.plan())
    assert result.sent == 500
    assert result.refused == 0
    assert result.duplicates == sum(each.duplicate for each in planned) > 0
    assert result.poison > 0
    assert told[-1].sent == 500
    assert nbfaas.triggers.drain(120)
    dead = {letter.event["id"] for letter in nbfaas.dead_letters.list("count_burst-event")}
    assert dead == {each.event.id for each in planned if each.poison}
    lines = sorted(said(service, "count_burst"))
    healthy = {e.event.id: e.event.data["total"] for e in planned if not e.poison}
    assert lines == sorted(map(list, healthy.items()))
    assert burst.send().duplicates == 500, "the same burst once more is the same events"


def test_a_copied_command_posts_the_event_to_the_gateway(service):
    kind = new_type('it\'s "odd" $(id)')

    @on.event(kind)
    @remote
    def posted(event):
        return event.data

    event = nbfaas.Event(kind, {"text": "'; echo `id` $HOME \\ é", "n": [1.5, None]})
    endpoint = nbfaas.endpoint()
    command = events.as_curl(event, endpoint.url)
    ran = subprocess.run(
        ["sh"], input=command, capture_output=True, text=True, timeout=60,
        env={**os.environ, "NBFAAS_TOKEN": endpoint.token}, check=True,
    )  # fmt: skip
    assert f'"id":"{event.id}"' in ran.stdout.replace(" ", "")
    (kept,) = delivered(service, event.id)
    assert nbfaas.FunctionCall.from_id(kept.attempts[0].invocation).result() == event.data


def test_what_the_page_of_the_simulator_shows_works(service, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page = (Path(nbfaas.__file__).parents[1] / "docs" / "simulator.md").read_text("utf-8")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "simulator.md", "exec"), namespace)
    assert namespace["attempt"].result == {"paid": 250}
    assert namespace["attempt"].log == "order A-1001\n"
    assert namespace["result"].sent == 100
    assert events.example_of(namespace["schema"]) == {"total": 120, "currency": "EUR"}
    assert "nbfaas.emit(event)" in capsys.readouterr().out
    assert nbfaas.triggers.drain(60)
