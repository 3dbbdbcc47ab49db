"""The simulator and the testers, without a browser: what views are told, and what they may ask."""

from __future__ import annotations

import enum
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import nbfaas
from nbfaas import events
from nbfaas.errors import BadPattern
from nbfaas.errors.simulator import (
    BadBurst,
    BadEventName,
    BadTemplateParameter,
    UnknownFunction,
)
from nbfaas.notebook.widgets.actions import BadAction
from nbfaas.notebook.widgets.simulator import Simulator
from nbfaas.notebook.widgets.simulator.bursting import Options, Varied, burst_of
from nbfaas.notebook.widgets.simulator.drafting import catalog, draft_of
from nbfaas.notebook.widgets.simulator.guessing import example_event
from nbfaas.rules import Pattern

EVIL = "<script>alert(1)</script>\x1b[31m"


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


@dataclass
class Line:
    sku: str
    size: Size = Size.SMALL


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".nbfaas").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def simulator(project: Path) -> Iterator[Simulator]:
    made = nbfaas.simulate()
    yield made
    made.close()


# -- the event to begin with


@pytest.mark.parametrize(
    "pattern",
    [
        {"type": ["a.b"]},
        {"type": [{"prefix": "a."}], "source": ["shop"]},
        {"data": {"total": [{"numeric": [">", 100]}]}},
        {"data": {"total": [{"numeric": [">", 0, "<=", 1]}], "to": {"city": ["Ulm"]}}},
        {"data": {"n": [{"numeric": ["<", 0]}], "name": [{"wildcard": "a*b"}]}},
        {"$or": [{"data": {"a": [1]}}, {"data": {"b": [2]}}], "subject": ["s"]},
        {"data": {"a": [None]}},
    ],
)
def test_a_form_begins_with_an_event_that_the_rule_takes(pattern):
    compiled = Pattern.parse(pattern)
    event = example_event(None, "event", compiled)
    assert compiled.matches(event.to_dict()), event


@pytest.mark.parametrize("kind", ["http", "schedule", "file", "queue"])
def test_for_other_triggers_it_is_like_what_their_source_makes(kind):
    assert example_event(None, kind).type.startswith("nbfaas.")


def test_a_rule_that_no_event_can_match_gives_an_event_all_the_same():
    assert example_event(None, "event", Pattern.parse({"type": [""]})).type


def test_an_example_fits_the_type_hints_and_the_rule(simulator):
    def pay(total: float, lines: list[Line]): ...

    schema = events.schema_of(pay)
    event = example_event(schema, "event", Pattern.parse({"data": {"total": [7]}}))
    assert events.problems(schema, json.dumps(event.data)) == []
    assert event.data["total"] == 7


def test_every_template_is_in_a_group_and_its_parameters_have_values():
    found = [each for group in catalog() for each in group["templates"]]
    assert {each["name"] for each in found} == {each.name for each in events.templates()}
    for each in found:
        assert each["values"].keys() == each["schema"]["properties"].keys()
    json.dumps(catalog())


def test_a_draft_is_another_event_each_time_unless_it_says_which():
    event = events.template("order.created")
    assert "id" not in json.loads(draft_of(event))
    assert list(json.loads(draft_of(event)))[-1] == "data"
    assert events.read(draft_of(event, exact=True)) == event


# -- the draft


def checked(simulator: Simulator, text: str, number: int = 1) -> dict[str, Any]:
    simulator.handle("edit", {"text": text, "by": "view", "number": number})
    found: dict[str, Any] = simulator.checked
    return found


def test_what_is_typed_is_checked_with_line_and_column(simulator):
    found = checked(simulator, '{\n "type": "x",\n "data": 1,}')
    assert found["problems"][0]["line"] == 3
    assert not found["sendable"]
    assert checked(simulator, '{"type": "x"}', 2)["sendable"]
    assert simulator.draft["by"] == "view"


def test_a_text_that_comes_late_does_not_replace_a_later_one(simulator):
    checked(simulator, '{"type": "new"}', 2)
    checked(simulator, '{"type": "old"}', 1)
    assert json.loads(simulator.draft["text"])["type"] == "new"


def test_data_that_do_not_fit_the_type_hints_are_told_but_can_be_sent(project):
    def pay(total: float): ...

    simulator = nbfaas.simulate(pay)
    found = checked(simulator, '{"type": "x", "data": {"total": "much"}}')
    assert [each["path"] for each in found["problems"]] == ["$.data.total"]
    assert found["sendable"]
    assert not found["problems"][0]["stops"]
    simulator.close()


def test_templates_fill_the_draft_in_and_say_what_is_wrong(simulator):
    simulator.handle("fill", {"name": "s3.object-created", "values": {"bucket": "photos"}})
    assert json.loads(simulator.draft["text"])["data"]["bucket"]["name"] == "photos"
    with pytest.raises(BadTemplateParameter, match="bucket"):
        simulator.handle("fill", {"name": "s3.object-created", "values": {"bucket": 1}})


def test_views_may_ask_for_nothing_else(simulator):
    for name, payload in [
        ("close", {}),
        ("_emit", {"event": 1}),
        ("edit", {"text": 1, "by": "", "number": 1}),
        ("start_burst", {"text": "{}", "options": {"n": "many"}}),
        ("copy", {"kind": "perl", "text": "{}"}),
    ]:
        with pytest.raises(BadAction):
            simulator.handle(name, payload)


# -- saved


def test_events_are_saved_loaded_and_deleted(simulator, project):
    simulator.handle("save", {"name": "large order", "text": '{"type": "big", "data": 1}'})
    assert (project / ".nbfaas/events/large order.json").exists()
    assert [each["name"] for each in simulator.saved] == ["large order"]
    simulator.handle("load", {"name": "large order"})
    assert json.loads(simulator.draft["text"])["type"] == "big"
    simulator.handle("delete", {"name": "large order"})
    assert simulator.saved == []
    with pytest.raises(BadEventName):
        simulator.handle("save", {"name": "../x", "text": '{"type": "big"}'})


# -- bursts


def test_a_filled_in_burst_is_the_same_as_one_in_python():
    event = events.template("order.created", total=5)
    rows = [
        Varied("$.data.total", "range", {"low": "1", "high": "9"}),
        Varied("$.data.currency", "choice", {"values": "EUR, USD", "weights": "1, 3"}),
        Varied("$.subject", "counter", {"start": "5", "text": "A-{}"}),
        Varied("$.data.order_id", "uuid"),
    ]
    made = burst_of(event, Options(n=20, seed="7", vary=rows, duplicates=0.1, poison=0.1))
    wanted = events.Burst(
        event,
        20,
        seed=7,
        duplicates=0.1,
        poison=0.1,
        vary={
            "$.data.total": events.Range(1, 9),
            "$.data.currency": events.Choice(["EUR", "USD"], [1, 3]),
            "$.subject": events.Counter(5, text="A-{}"),
            "$.data.order_id": events.Uuid(),
        },
    )
    assert list(made.plan()) == list(wanted.plan())


def test_the_seed_0_is_a_seed():
    event = events.template("order.created")
    assert burst_of(event, Options(n=1, seed="0")).seed == 0


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (Varied("$.data.totl", "uuid"), "did you mean 'total'"),
        (Varied("$.data.total", "range", {"low": "a"}), "it is a number"),
        (Varied("$.data.total", "range", {"low": "5", "high": "1"}), "at most high"),
        (Varied("$.data.total", "choice", {"values": ""}), "not empty"),
        (Varied("$.data.total", "times", {"start": "noon"}), "it is a time"),
        (Varied("", "uuid"), "starts with"),
    ],
)
def test_a_mistake_in_a_row_is_told(row, said):
    with pytest.raises(BadBurst, match=said):
        burst_of(events.template("order.created"), Options(n=1, vary=[row]))


# -- testers


def test_each_leaf_of_a_rule_has_its_line_in_the_pattern_and_in_the_event():
    tester = nbfaas.rule_tester(
        {"type": ["order.created"], "data": {"total": [{"numeric": [">", 300]}], "a.b": [1]}},
        {"type": "order.created", "data": {"total": 120, "a.b": 1}},
    )
    leaves = tester.result["explanation"]["leaves"]
    assert [each["matched"] for each in leaves] == [True, False, True]
    lines = tester.texts["event"].splitlines()
    assert '"total"' in lines[leaves[1]["event_line"] - 1]
    assert '"a.b"' in lines[leaves[2]["event_line"] - 1]
    assert leaves[1]["wanted"] == "> 300"
    assert leaves[1]["found"] == "120"
    assert "✗ data.total: wanted > 300, found 120" in tester.text()
    tester.close()


def test_a_bad_pattern_is_told_with_its_place():
    tester = nbfaas.rule_tester('{\n "type": [{"prefx": "a"}]\n}')
    problem = tester.result["pattern_problem"]
    assert (problem["line"], problem["path"]) == (2, "$.type[0].prefx")
    tester.handle("edit", {"pattern": "{\n\n,", "event": "{}", "by": "v", "number": 1})
    assert tester.result["pattern_problem"]["line"] == 3
    assert tester.result["event_problems"]
    tester.handle("edit", {"pattern": "x", "event": '{"type": "a"}', "by": "v", "number": 2})
    assert "not valid" in repr(tester)
    with pytest.raises(BadPattern):
        Pattern.parse("x")
    tester.close()


def test_a_cron_expression_is_explained_or_its_mistake_told():
    tester = nbfaas.cron_tester("30 9 * * MON-FRI", timezone="Europe/Berlin")
    assert "09:30" in tester.result["means"]
    assert len(tester.result["runs"]) == 5
    assert tester.result["runs"][0]["at"] > time.time()
    tester.handle("edit", {"cron": "61 9 * * *", "timezone": "UTC"})
    assert "61" in tester.result["problem"]
    tester.handle("edit", {"cron": "* * * * *", "timezone": "Mars/Base"})
    assert "Mars/Base" in tester.result["problem"]
    assert "✗" in tester.text()
    tester.close()


def test_pictures_hold_no_markup_of_others(simulator):
    checked(simulator, json.dumps({"type": EVIL, "data": {EVIL: EVIL}}))
    rules = nbfaas.rule_tester({"type": [EVIL]}, {"type": EVIL, "data": EVIL})
    cron = nbfaas.cron_tester(EVIL)
    for widget in (simulator, rules, cron):
        assert "<script" not in widget.snapshot_html()
        assert "\x1b" not in widget.snapshot_html() + widget.text()
        widget.close()


def test_what_it_is_for_must_exist():
    with pytest.raises(UnknownFunction, match="no function of this session is called 'nobody'"):
        nbfaas.simulate("nobody")
