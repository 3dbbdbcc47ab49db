"""``RuleIndex``: where it puts patterns, and what it finds."""

from __future__ import annotations

import time

import pytest

from nbfaas.rules import Pattern, RuleIndex


def index_of(*patterns):
    index = RuleIndex()
    for at, pattern in enumerate(patterns):
        index.add(f"rule-{at}", Pattern.parse(pattern))
    return index


def test_names_come_in_the_order_of_their_rules():
    index = index_of(
        {"type": [{"suffix": "d"}]}, {"type": ["b"]}, {"type": [{"prefix": "a"}]}, {"a": [1, 2]}
    )
    assert index.match({"type": "ad", "a": [2, 1]}) == ["rule-0", "rule-2", "rule-3"]
    assert index.match({"type": "b"}) == ["rule-1"]
    assert index.match({}) == []


def test_every_branch_of_a_choice_is_found():
    index = index_of({"$or": [{"type": ["a"]}, {"source": [{"prefix": "/s"}]}]})
    assert repr(index) == "RuleIndex(1 rules, 0 of them tried with every event)"
    assert index.match({"type": "a"}) == ["rule-0"]
    assert index.match({"source": "/shop"}) == ["rule-0"]
    assert index.match({"type": "b", "source": "shop"}) == []


def test_a_rule_that_no_value_leads_to_is_always_tried():
    index = index_of(
        {"type": [{"exists": False}, "a"]}, {"type": [{"prefix": ""}]}, {"x": [{"anything-but": 1}]}
    )
    assert "3 of them tried with every event" in repr(index)
    assert index.match({}) == ["rule-0"]
    assert index.match({"type": "b", "x": 2}) == ["rule-1", "rule-2"]


def test_true_and_one_are_kept_apart():
    index = index_of({"x": [True]}, {"x": [1]}, {"x": [None]}, {"x": [1.0]})
    assert index.match({"x": True}) == ["rule-0"]
    assert index.match({"x": 1}) == ["rule-1", "rule-3"]
    assert index.match({"x": None}) == ["rule-2"]


def test_a_removed_rule_is_forgotten_and_its_name_free():
    index = index_of(
        {"type": ["a"]}, {"type": [{"prefix": "a"}], "data": {"deep": [1]}}, {"x": [1]}
    )
    index.remove("rule-0")
    index.remove("rule-1")
    assert index.match({"type": "a", "data": {"deep": 1}, "x": 1}) == ["rule-2"]
    assert len(index) == 1
    assert "rule-0" not in index
    index.add("rule-0", Pattern.parse({"type": ["a"]}))
    assert index.match({"type": "a", "x": 1}) == ["rule-2", "rule-0"]
    index.remove("rule-0")
    index.remove("rule-2")
    assert index.match({"type": "a", "x": 1}) == []


def test_names_are_unique_and_unknown_ones_told():
    index = index_of({"type": ["a"]})
    with pytest.raises(ValueError, match="'rule-0' already"):
        index.add("rule-0", Pattern.parse({"type": ["b"]}))
    with pytest.raises(KeyError):
        index.remove("rule-9")
    assert index.match({"type": "a"}) == ["rule-0"]


def test_a_thousand_rules_cost_little_more_than_one():
    """A tenth of the target of 20,000 events/s, for slow machines: see benchmarks/."""
    index = index_of(*({"type": ["order"], "data": {"id": [at]}} for at in range(1000)))
    events = [{"type": "order", "id": "1", "data": {"id": at % 1000}} for at in range(2000)]
    start = time.perf_counter()
    for at, event in enumerate(events):
        assert index.match(event) == [f"rule-{at % 1000}"]
    assert time.perf_counter() - start < 1
