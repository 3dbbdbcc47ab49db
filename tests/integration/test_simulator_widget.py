"""The simulator's widget, as its views use it, with real sandboxes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from events import doubling, new_type, no_triggers  # noqa: F401

import nbfaas
from nbfaas import on, remote
from nbfaas.errors import UnknownTrigger
from nbfaas.errors.simulator import SimulatorError
from nbfaas.notebook.widgets.simulator import Simulator

pytestmark = [
    pytest.mark.usefixtures("service", "no_triggers"),
    pytest.mark.parametrize("service", ["process"], indirect=True),
]


@pytest.fixture
def opened() -> Iterator[Callable[[Any], Simulator]]:
    made: list[Simulator] = []

    def one(what: Any) -> Simulator:
        made.append(nbfaas.simulate(what))
        return made[-1]

    yield one
    for each in made:
        each.close()


def settle(simulator: Simulator) -> None:
    deadline = time.monotonic() + 60
    while True:
        simulator.refresh()
        if simulator._over():
            return
        assert time.monotonic() < deadline, simulator.text()
        time.sleep(0.02)


def send(simulator: Simulator, **changes: Any) -> None:
    event = {**json.loads(simulator.draft["text"]), **changes}
    simulator.handle("send_once", {"text": json.dumps(event)})
    settle(simulator)


def test_an_event_for_a_function_matches_its_rule_and_shows_what_became_of_it(service, opened):
    double, _, done = doubling()
    simulator = opened(double)
    matches = {each["trigger"]: each["matched"] for each in simulator.checked["matches"]}
    assert matches["double-event"]
    assert not matches["after-event"]
    assert simulator.form["schema"]["required"] == ["total"]
    send(simulator, data={"total": 150})
    (delivery,) = simulator.outcome["deliveries"]
    assert (delivery["target"], delivery["state"]) == ("double", "done")
    (attempt,) = delivery["attempts"]
    assert (attempt["result"], attempt["log"]) == ("{'total': 300}", "doubling 150\n")
    (link,) = delivery["passed"]
    assert link["event"]["type"] == done
    assert link["deliveries"][0]["attempts"][0]["result"] == "'total 300'"
    assert simulator.sent[0]["state"] == "done"
    assert "total 300" in simulator.text()
    assert "total 300" in simulator.snapshot_html()
    details = simulator.handle("invocation", {"invocation": attempt["invocation"]})
    assert details["log"] == "doubling 150\n"
    json.dumps([simulator.outcome, simulator.sent, details])


def test_replays_are_new_events_and_edit_again_brings_the_event_back(service, opened):
    kind = new_type()

    @on.event(kind)
    @remote
    def take(n: int):
        return n

    simulator = opened(take)
    send(simulator, data={"n": 7})
    first = simulator.sent[0]
    simulator.handle("replay", {"key": first["key"]})
    settle(simulator)
    again = simulator.sent[0]
    assert again["id"] != first["id"]
    assert again["state"] == "done"
    simulator.handle("replay", {"key": first["key"], "exact": True})
    settle(simulator)
    assert simulator.outcome["duplicate"]
    assert simulator.sent[0]["word"] == "a duplicate"
    simulator.handle("edit", {"text": '{"type": "x"}', "by": "v", "number": 1})
    simulator.handle("edit_again", {"key": first["key"]})
    draft = json.loads(simulator.draft["text"])
    assert (draft["type"], draft["data"]) == (kind, {"n": 7})
    assert "id" not in draft


def test_a_function_without_a_rule_is_invoked_apart_from_the_bus(service, opened):
    @remote
    def alone(name: str):
        print("alone with", name)
        return name.upper()

    simulator = opened("alone")
    assert simulator.to == "function:alone"
    send(simulator, data={"name": "ada"})
    assert simulator.outcome["call"]["result"] == "'ADA'"
    assert simulator.outcome["call"]["log"] == "alone with ada\n"
    assert simulator.sent[0]["direct"]
    simulator.handle("replay", {"key": simulator.sent[0]["key"]})
    settle(simulator)
    assert simulator.outcome["call"]["state"] == "done"


def test_a_trigger_gets_the_event_whatever_its_rule(service, opened):
    kind = new_type()

    @on.event(kind, name="picky")
    @remote
    def picky():
        return "got it"

    simulator = opened("picky")
    simulator.handle("choose_target", {"to": "trigger:picky"})
    send(simulator, type="something.else")
    assert simulator.outcome["deliveries"][0]["attempts"][0]["result"] == "'got it'"
    simulator.handle("choose_target", {"to": "trigger:gone"})
    with pytest.raises(UnknownTrigger):
        send(simulator)


def test_poison_of_a_burst_becomes_dead_letters_that_can_be_redriven(service, opened):
    kind = new_type()

    @on.event(kind)
    @remote
    def strict(total: int):
        return total

    simulator = opened(strict)
    options = {
        "n": 40,
        "seed": "1",
        "poison": 0.2,
        "duplicates": 0.1,
        "vary": [{"path": "$.data.total", "kind": "range", "options": {"low": "1", "high": "9"}}],
    }
    text = simulator.draft["text"]
    simulator.handle("start_burst", {"text": text, "options": options})
    settle(simulator)
    burst = simulator.burst
    assert burst["sent"] == 40
    assert burst["accepted"] + burst["duplicates"] == 40
    assert burst["poison"] >= 1
    letters = {each["word"]: each["count"] for each in burst["standing"]}
    assert letters["done"] + letters["dead letter"] == burst["accepted"]
    assert all(each["poison"] for each in burst["letters"])
    assert all(each["type"] != kind for each in simulator.sent), "bursts don't flood the history"
    simulator.handle("show_bursts", {"on": True})
    simulator.refresh()
    dead = next(each for each in simulator.sent if each["word"] == "dead letter")
    simulator.handle("choose", {"key": dead["key"]})
    settle(simulator)
    (delivery,) = simulator.outcome["deliveries"]
    assert delivery["dead"]
    assert simulator.outcome["event"]["poison"]
    simulator.handle("redrive", {"number": delivery["number"]})
    deadline = time.monotonic() + 30
    while simulator.outcome["deliveries"][0]["state"] != "failed" or not (
        len(simulator.outcome["deliveries"][0]["attempts"]) > len(delivery["attempts"])
    ):
        assert time.monotonic() < deadline
        simulator._next_look = 0.0
        simulator.refresh()
        time.sleep(0.02)


def test_a_burst_can_be_cancelled_and_only_one_is_sent_at_a_time(service, opened):
    simulator = opened(None)
    text = simulator.draft["text"]
    simulator.handle("start_burst", {"text": text, "options": {"n": 10_000, "rate": 20}})
    with pytest.raises(SimulatorError, match="cancel it first"):
        simulator.handle("start_burst", {"text": text, "options": {"n": 1}})
    simulator.handle("cancel_burst", {})
    settle(simulator)
    assert simulator.burst["cancelled"]
    assert simulator.burst["sent"] < 10_000


def test_the_form_follows_a_function_that_is_defined_anew(service, opened):
    @remote
    def changing(a: int): ...

    simulator = opened("changing")
    assert list(simulator.form["schema"]["properties"]) == ["a"]

    @remote
    def changing(b: str): ...  # noqa: F811

    simulator.refresh()
    assert list(simulator.form["schema"]["properties"]) == ["b"]


def test_the_draft_is_copied_as_code(service, opened):
    kind = new_type()

    @on.event(kind)
    @remote
    def copied(total: int): ...

    simulator = opened(copied)
    text = simulator.draft["text"]

    def code(name: str) -> str:
        return str(simulator.handle("copy", {"kind": name, "text": text}))

    assert "nbfaas.emit(event)" in code("python")
    assert nbfaas.endpoint().url in code("curl")
    assert "def test_copied_handles" in code("pytest")
    nobody = opened(None)
    other = json.dumps({"type": new_type()})
    with pytest.raises(SimulatorError, match="no rule matches"):
        nobody.handle("copy", {"kind": "pytest", "text": other})
