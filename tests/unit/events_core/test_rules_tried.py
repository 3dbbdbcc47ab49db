"""Patterns and schedules, tried out."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

import nbfaas
from nbfaas.errors import BadPattern, BadTrigger
from nbfaas.events import explain_cron, next_runs, template, test_pattern


def test_a_pattern_is_tried_on_an_event():
    event = template("order.created", total=250)
    pattern = {"type": ["order.created"], "data": {"total": [{"numeric": [">", 300]}]}}
    tried = nbfaas.test_pattern(pattern, event)
    assert not tried
    assert str(tried.explain()).splitlines() == [
        "✗ the pattern does not match",
        '  ✓ type: wanted "order.created", found "order.created"',
        "  ✗ data.total: wanted > 300, found 250",
    ]
    assert [leaf.matched for leaf in tried.leaves] == [True, False]
    assert repr(tried) == str(tried.explain())
    assert tried.to_dict()["pattern"] == pattern
    assert tried.to_dict()["event"] == event.to_dict()
    assert test_pattern(pattern, event.replace(data={"total": 301}))
    assert test_pattern(pattern, {"type": "order.created", "data": {"total": 301}})


def test_a_pattern_may_be_written_as_for_on_event():
    event = template("order.created")
    assert test_pattern("order.created", event)
    assert test_pattern('{"source": ["shop"]}', event)
    assert test_pattern(nbfaas.Pattern.parse({"source": ["shop"]}), event)
    with pytest.raises(BadPattern):
        test_pattern({"type": "order.created"}, event)


def test_runs_of_a_schedule_are_told_in_its_timezone():
    begin = datetime(2026, 3, 28, 12, tzinfo=UTC)
    runs = next_runs("30 2 * * *", "Europe/Berlin", 3, after=begin)
    assert [run.isoformat() for run in runs] == [
        "2026-03-29T03:00:00+02:00",  # 02:30 is skipped that night
        "2026-03-30T02:30:00+02:00",
        "2026-03-31T02:30:00+02:00",
    ]
    assert len(next_runs("* * * * *")) == 5
    assert explain_cron("30 2 * * *", "Europe/Berlin") == "At 02:30 every day (Europe/Berlin)"
    for wrong in ("* * * *", "61 * * * *", "0 0 31 2 *", ""):
        for use in (next_runs, explain_cron):
            with pytest.raises(BadTrigger, match="cron"):
                use(wrong)
    with pytest.raises(BadTrigger, match="Europe/Berlin"):
        next_runs("* * * * *", "Europe/Berlinn")


def test_what_is_pure_starts_no_service_and_loads_little():
    code = """
import sys, threading
import nbfaas
from nbfaas import events
event = events.template("order.created")
nbfaas.test_pattern("order.created", event)
events.schema_of(lambda n: n); events.problems(None, "{}"); events.example_of({"type": "integer"})
list(events.Burst(event, 3)); events.as_python(event); events.as_curl(event, "u")
events.which(event); events.saved(); events.next_runs("* * * * *")
assert threading.active_count() == 1, threading.enumerate()
assert not {"IPython", "docker", "jsonschema", "numpy"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)
    light = """
import sys
from nbfaas import events
events.template("order.created"); events.problems(None, "{}")
assert "nbfaas.service" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", light], check=True, timeout=60)
