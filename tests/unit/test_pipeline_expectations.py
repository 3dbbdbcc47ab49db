"""What is expected of saved events, and whether it came true."""

from __future__ import annotations

import json

import pytest

from nbfaas.agent.event import Event
from nbfaas.errors import BadExpectation
from nbfaas.model.trigger_spec import TriggerSpec
from nbfaas.pipeline.expectation import Outcome, expectation_of, read_expectation, shortfalls
from nbfaas.pipeline.relevance import given, takers

PAID = Outcome(("large",), {"paid": 250})
RAISED = Outcome(("large",), error=("ValueError", "no customer\nat all"))


def found(wanted: object, outcome: Outcome) -> list[str]:
    return shortfalls(read_expectation(json.dumps(wanted), "x.json", ("large", "other")), outcome)


@pytest.mark.parametrize(
    ("wanted", "outcome"),
    [
        ({}, PAID),
        ({"result": {"paid": 250.0}}, PAID),
        ({"result": None}, Outcome(())),
        ({"triggers": ["large"]}, PAID),
        ({"triggers": []}, Outcome((), run=False)),
        ({"error": "ValueError"}, RAISED),
        ({"error": {"type": "ValueError", "message": "no customer"}}, RAISED),
        ({"matches": {"result": {"paid": [{"numeric": [">", 100]}]}}}, PAID),
        ({"matches": {"error": {"message": [{"wildcard": "no*all"}]}}}, RAISED),
    ],
)
def test_what_is_expected_comes_true(wanted, outcome):
    assert found(wanted, outcome) == []


@pytest.mark.parametrize(
    ("wanted", "outcome", "text"),
    [
        ({}, RAISED, "it raised ValueError: no customer at all"),
        ({"result": {"paid": 251}}, PAID, 'result: wanted {"paid": 251}, got {"paid": 250}'),
        ({"result": True}, Outcome((), 1), "result: wanted true, got 1"),
        ({"result": 1}, RAISED, "result: wanted 1, but it raised ValueError"),
        ({"result": 1}, Outcome((), not_json="its result is no JSON"), "is no JSON"),
        ({"triggers": ["other"]}, PAID, "triggers: wanted other, taken by large"),
        ({"error": "KeyError"}, RAISED, "error: wanted KeyError, it raised ValueError"),
        ({"error": {"type": "ValueError", "message": "x"}}, RAISED, "wanted ValueError: x"),
        ({"error": "ValueError"}, PAID, 'but it returned {"paid": 250}'),
        ({"matches": {"result": {"paid": [{"numeric": [">", 300]}]}}}, PAID, "found 250"),
        ({"matches": {"result": {"paid": [250]}}}, RAISED, "it raised ValueError"),
    ],
)
def test_what_does_not_come_true_is_told(wanted, outcome, text):
    (line,) = found(wanted, outcome)
    assert text in line


@pytest.mark.parametrize("outcome", [PAID, RAISED, Outcome((), run=False), Outcome((), [1, None])])
def test_what_is_recorded_comes_true(outcome):
    assert shortfalls(expectation_of(outcome), outcome) == []
    read = read_expectation(expectation_of(outcome).to_json(), "x.json", ("large",))
    assert shortfalls(read, outcome) == []
    assert not read.by_hand


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "it is no JSON"),
        ("[]", "it is no JSON object"),
        ('{"resutl": 1}', "there is no key 'resutl'; did you mean 'result'"),
        ('{"result": 1, "error": "E"}', "a result and an error"),
        ('{"error": 3}', "error is a type's name"),
        ('{"error": {"message": "x"}}', "error is a type's name"),
        ('{"error": {"type": "E", "text": "x"}}', "and no 'text'"),
        ('{"triggers": "large"}', "triggers is a list"),
        ('{"triggers": ["lagre"]}', "no trigger 'lagre'; did you mean 'large'"),
        ('{"matches": {"result": 3}}', "matches: "),
        ('{"matches": 3}', "matches: "),
    ],
)
def test_an_expectation_that_makes_no_sense_is_told_with_its_file(text, problem):
    with pytest.raises(BadExpectation, match=r"the expectation x\.json makes no sense") as raised:
        read_expectation(text, "x.json", ("large", "other"))
    assert problem in str(raised.value)


PATTERN = {"type": ["order.created"], "data": {"total": [{"numeric": [">", 100]}]}}
SPECS = (
    TriggerSpec(
        kind="event", name="large", arguments=(PATTERN,), transform={"sum": "$.data.total"}
    ),
    TriggerSpec(kind="schedule", name="nightly", arguments=("0 3 * * *",)),
    TriggerSpec(kind="file", name="drop", arguments=("/in/*",), options={"events": ["deleted"]}),
    TriggerSpec(kind="http", name="order", arguments=("POST", "/orders/{id:int}")),
    TriggerSpec(kind="queue", name="inbox", arguments=("redis://localhost/0",)),
)


def request(method: str, path: str) -> Event:
    return Event("nbfaas.http.request", {"method": method, "path": path})


@pytest.mark.parametrize(
    ("event", "names"),
    [
        (Event("order.created", {"total": 250}), ["large"]),
        (Event("order.created", {"total": 50}), []),
        (Event("nbfaas.schedule.tick"), ["nightly"]),
        (Event("nbfaas.file.deleted"), ["drop"]),
        (Event("nbfaas.file.created"), []),
        (request("post", "/orders/7"), ["order"]),
        (request("GET", "/orders/7"), []),
        (request("POST", "/orders/seven"), []),
        (Event("nbfaas.http.request", "no request"), []),
        (Event("nbfaas.queue.message", {}), ["inbox"]),
    ],
)
def test_events_are_for_the_triggers_that_take_them(event, names):
    assert [spec.name for spec in takers(SPECS, event)] == names


def test_the_function_gets_the_event_as_its_trigger_transforms_it():
    event = Event("order.created", {"total": 250})
    assert given(SPECS[0], event).data == {"sum": 250}
    assert given(SPECS[1], event) is event
    assert given(None, event) is event
