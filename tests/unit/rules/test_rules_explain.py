"""``Pattern.explain``: what each leaf wanted and found."""

from __future__ import annotations

import pytest

from nbfaas.rules import Pattern

PATTERN = Pattern.parse(
    {
        "type": ["order.created", {"prefix": "order.urgent"}],
        "data": {
            "total": [{"numeric": [">", 100, "<=", 5000]}],
            "coupon": [{"exists": False}],
            "lines": {"sku": [{"anything-but": ["a", "b"]}]},
        },
    }
)


def test_a_leaf_tells_what_it_wanted_and_found():
    event = {
        "type": "order.created",
        "data": {"total": 42, "lines": [{"sku": "a"}, {"sku": "c"}]},
    }
    explanation = PATTERN.explain(event)
    assert not explanation
    total = explanation.leaves[1]
    assert (total.path, total.place) == ("data.total", "$.data.total")
    assert (total.wanted, total.found) == ("> 100 and <= 5000", (42,))
    assert total.json == '[{"numeric": [">", 100, "<=", 5000]}]'
    assert (total.matched, total.absent, total.branch) == (False, False, None)
    coupon, sku = explanation.leaves[2:]
    assert (coupon.matched, coupon.absent, coupon.found) == (True, True, ())
    assert (sku.matched, sku.found) == (True, ("a", "c"))
    assert str(explanation) == repr(explanation)
    assert str(explanation).splitlines() == [
        "✗ the pattern does not match",
        '  ✓ type: wanted "order.created" or starts with "order.urgent", found "order.created"',
        "  ✗ data.total: wanted > 100 and <= 5000, found 42",
        "  ✓ data.coupon: wanted no value, found nothing",
        '  ✓ data.lines.sku: wanted anything but "a" or "b", found "a", "c"',
    ]


def test_an_explanation_is_json_for_widgets():
    told = PATTERN.explain({"type": "other"}).to_dict()
    assert told["matched"] is False
    assert told["leaves"][0] == {
        "path": "type",
        "place": "$.type",
        "wanted": '"order.created" or starts with "order.urgent"',
        "json": '["order.created", {"prefix": "order.urgent"}]',
        "found": ["other"],
        "absent": False,
        "matched": False,
        "branch": None,
    }


def test_the_branches_of_a_choice_are_told_apart():
    pattern = Pattern.parse({"source": ["/s"], "data": {"$or": [{"a": [1]}, {"b": [1], "c": [2]}]}})
    explanation = pattern.explain({"source": "/s", "data": {"b": 1, "c": 2}})
    assert explanation.branches == ("$.data.$or[1]",)
    assert [leaf.branch for leaf in explanation.leaves] == [
        None,
        "$.data.$or[0]",
        "$.data.$or[1]",
        "$.data.$or[1]",
    ]
    assert str(explanation).splitlines() == [
        "✓ the pattern matches",
        '  ✓ source: wanted "/s", found "/s"',
        "  $.data.$or[0]",
        "    ✗ data.a: wanted 1, found nothing",
        "  $.data.$or[1] (this one decides)",
        "    ✓ data.b: wanted 1, found 1",
        "    ✓ data.c: wanted 2, found 2",
    ]


def test_fields_that_match_in_different_elements_are_explained():
    pattern = Pattern.parse({"d": {"a": [1], "b": [2]}})
    explanation = pattern.explain({"d": [{"a": 1}, {"b": 2}]})
    assert not explanation.matched
    assert all(leaf.matched for leaf in explanation.leaves)
    assert "not all in the same element of an array" in str(explanation)


def test_an_absence_that_made_the_pattern_match_has_matched():
    pattern = Pattern.parse({"d": {"a": [1], "b": [{"exists": False}]}})
    explanation = pattern.explain({"d": [{"a": 1}, {"b": 2}]})
    assert explanation.matched
    assert all(leaf.matched for leaf in explanation.leaves)


def test_long_findings_are_cut_in_text_only():
    pattern = Pattern.parse({"x": ["a"]})
    explanation = pattern.explain({"x": ["y" * 200, *range(9)]})
    assert len(explanation.leaves[0].found) == 10
    assert "and 7 more" in str(explanation)
    assert max(map(len, str(explanation).splitlines())) < 120


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ({"suffix": {"equals-ignore-case": ".png"}}, 'ends with ".png" (any case)'),
        ({"prefix": {"equals-ignore-case": "a"}}, 'starts with "a" (any case)'),
        ({"suffix": ".png"}, 'ends with ".png"'),
        ({"equals-ignore-case": "a"}, '"a" (any case)'),
        ({"wildcard": "a*"}, 'like "a*"'),
        ({"exists": True}, "any value"),
        ({"cidr": "10.0.0.7/24"}, "an address in 10.0.0.0/24"),
        ({"anything-but": {"prefix": ["a", "b"]}}, 'anything but what starts with "a" or "b"'),
        ({"anything-but": {"equals-ignore-case": "a"}}, 'anything but (any case) "a"'),
        (None, "null"),
        (True, "true"),
    ],
)
def test_a_matcher_is_told_in_words(entry, wanted):
    assert Pattern.parse({"x": [entry]}).explain({}).leaves[0].wanted == wanted
