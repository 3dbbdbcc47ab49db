"""What must hold for all patterns and events."""

from __future__ import annotations

import json
import pickle

from hypothesis import given, settings
from hypothesis import strategies as st
from patterns import events, patterns, plainly_matches

from nbfaas.rules import Pattern, RuleIndex


@settings(max_examples=400, deadline=None)
@given(patterns, events)
def test_a_pattern_matches_what_it_plainly_says(pattern, event):
    assert Pattern.parse(pattern).matches(event) is plainly_matches(pattern, event)


@settings(max_examples=200, deadline=None)
@given(patterns, events)
def test_an_explanation_agrees_with_the_match(pattern, event):
    compiled = Pattern.parse(json.dumps(pattern))
    explanation = compiled.explain(event)
    assert explanation.matched is bool(explanation) is compiled.matches(event)
    if explanation.matched:
        outside = [leaf for leaf in explanation.leaves if leaf.branch is None]
        inside = [leaf for leaf in explanation.leaves if leaf.branch in explanation.branches]
        assert all(leaf.matched for leaf in outside + inside)
    assert json.loads(json.dumps(explanation.to_dict()))["matched"] is explanation.matched
    assert str(explanation).count("\n") >= len(explanation.leaves)
    assert pickle.loads(pickle.dumps(compiled)).matches(event) is explanation.matched


@settings(max_examples=200, deadline=None)
@given(st.lists(patterns, max_size=8), st.lists(events, min_size=1, max_size=3), st.data())
def test_an_index_answers_as_trying_each_pattern_does(given_patterns, given_events, data):
    rules = {f"rule-{at}": Pattern.parse(each) for at, each in enumerate(given_patterns)}
    index = RuleIndex()
    for name, pattern in rules.items():
        index.add(name, pattern)
    for removed in data.draw(st.sets(st.sampled_from(sorted(rules)))) if rules else ():
        index.remove(removed)
        del rules[removed]
    for event in given_events:
        assert index.match(event) == [name for name, rule in rules.items() if rule.matches(event)]
