"""Each operator on one field: which values it accepts. ``ABSENT`` is an event without the field."""

from __future__ import annotations

from typing import Any

import pytest

from nbfaas.rules import Pattern

ABSENT = object()


def accepts(entry: Any, value: Any) -> bool:
    event = {"id": "1"} if value is ABSENT else {"id": "1", "data": {"x": value}}
    pattern = Pattern.parse({"data": {"x": [entry]}})
    matched = pattern.matches(event)
    assert pattern.explain(event).matched is matched
    return matched


CASES: list[tuple[str, Any, list[Any], list[Any]]] = [
    ("text", "a", ["a", ["b", "a"]], ["A", "", "ab", None, 1, True, [], ["b"], {"a": 1}, ABSENT]),
    ("empty text", "", [""], [None, "a", [], False, 0, ABSENT]),
    ("an address is a text", "::1", ["::1"], ["0:0:0:0:0:0:0:1"]),
    ("null", None, [None, [None]], ["null", "", 0, False, [], {}, ABSENT]),
    ("true", True, [True], [1, 1.0, "true", False, None]),
    ("false", False, [False], [0, 0.0, "false", True, None, ABSENT]),
    ("integer", 300, [300, 300.0, 3.0e2, [1, 300]], ["300", 301, True, None]),
    ("zero", 0, [0, 0.0, -0.0], [False, None, "", ABSENT]),
    ("one", 1, [1, 1.0], [True, "1"]),
    ("float", 300.5, [300.5], [300, "300.5"]),
    ("an account's number", 123456789012, [123456789012, 123456789012.0], [123456789013]),
    ("prefix", {"prefix": "eu-"}, ["eu-", "eu-west"], ["EU-west", "xeu-", None, 1, ABSENT, []]),
    ("prefix, empty", {"prefix": ""}, ["", "a"], [None, 1, True, {}, ABSENT]),
    (
        "prefix in any case",
        {"prefix": {"equals-ignore-case": "EventB"}},
        ["eventb", "EVENTBridge"],
        ["event", "xEventB", 1, None],
    ),
    ("suffix", {"suffix": ".png"}, [".png", "a.png"], [".PNG", "a.png.bak", None, 1, ABSENT]),
    ("suffix, empty", {"suffix": ""}, ["", "a"], [None, 1]),
    (
        "suffix in any case",
        {"suffix": {"equals-ignore-case": ".png"}},
        ["a.PNG", ".png"],
        ["a.png.bak", 1, None],
    ),
    (
        "equals-ignore-case",
        {"equals-ignore-case": "alice"},
        ["ALICE", "alice", "Alice"],
        ["alice ", "", None, 1, ABSENT],
    ),
    ("equals-ignore-case, Greek", {"equals-ignore-case": "ΟΔΟΣ"}, ["οδος", "οδοσ"], ["οδο"]),
    ("equals-ignore-case, empty", {"equals-ignore-case": ""}, [""], ["a", None]),
    (
        "wildcard",
        {"wildcard": "dir/*.png"},
        ["dir/a.png", "dir/.png", "dir/a/b.png", "dir/a\n.png"],
        ["dir/a.PNG", "xdir/a.png", "dir.png", None, 1, ABSENT],
    ),
    ("wildcard of none", {"wildcard": "a"}, ["a"], ["ab", "A", None]),
    ("wildcard of one", {"wildcard": "*"}, ["", "a"], [None, 1]),
    ("wildcard, empty", {"wildcard": ""}, [""], ["a", None]),
    ("wildcard, ends overlap", {"wildcard": "ab*ba"}, ["abba", "abxba"], ["aba", "ab"]),
    ("wildcard, parts overlap", {"wildcard": "*aba*aba*"}, ["abaaba"], ["ababa"]),
    ("wildcard, many parts", {"wildcard": "a*b*c"}, ["abc", "aXbbYcc"], ["acb", "abcd"]),
    ("wildcard, repeated parts", {"wildcard": "/U/*/d/d/x"}, ["/U/l/d/d/d/x"], ["/U/l/d/e/x"]),
    ("wildcard, a star itself", {"wildcard": r"a\*b*"}, ["a*b", "a*bc"], ["axb", r"a\*b"]),
    ("wildcard, a backslash", {"wildcard": "C:\\\\*"}, ["C:\\", "C:\\x"], ["C:", "C:/x"]),
    ("wildcard, no pattern", {"wildcard": "a.b?[c]*"}, ["a.b?[c]d"], ["axbc"]),
    (
        "anything-but text",
        {"anything-but": "a"},
        ["b", "A", "", None, 1, True, ["a", "b"]],
        ["a", ["a", "a"], ABSENT, [], {}, {"y": 1}],
    ),
    ("anything-but texts", {"anything-but": ["a", "b"]}, ["c", None, 1, ["a", "c"]], ["a", "b"]),
    ("anything-but empty text", {"anything-but": ""}, ["a", None], ["", ABSENT]),
    (
        "anything-but number",
        {"anything-but": 0},
        [1, "0", None, False, 789, 1e12],
        [0, 0.0, ABSENT],
    ),
    ("anything-but numbers", {"anything-but": [100, 2.5]}, [1, "100"], [100, 100.0, 2.5]),
    ("anything-but prefix", {"anything-but": {"prefix": "a"}}, ["b", "", 1, None], ["ab", ABSENT]),
    ("anything-but prefixes", {"anything-but": {"prefix": ["a", "b"]}}, ["c"], ["ax", "bx"]),
    ("anything-but suffix", {"anything-but": {"suffix": "a"}}, ["ab", 1, None], ["ba", ABSENT]),
    ("anything-but suffixes", {"anything-but": {"suffix": ["a", "b"]}}, ["c"], ["xa", "xb"]),
    (
        "anything-but in any case",
        {"anything-but": {"equals-ignore-case": "Init"}},
        ["initial", 1, None],
        ["INIT", "init", ABSENT],
    ),
    (
        "anything-but some in any case",
        {"anything-but": {"equals-ignore-case": ["a", "b"]}},
        ["c"],
        ["A", "B", "b"],
    ),
    (
        "anything-but wildcard",
        {"anything-but": {"wildcard": "*/lib/*"}},
        ["lib", 1, None],
        ["x/lib/y", ABSENT],
    ),
    ("anything-but wildcards", {"anything-but": {"wildcard": ["a*", "*b"]}}, ["c"], ["ax", "xb"]),
    ("numeric =", {"numeric": ["=", 301.8]}, [301.8, 3.018e2], [301.80001, "301.8", True, None]),
    ("numeric = and a sum", {"numeric": ["=", 0.3]}, [0.1 + 0.2], [0.300001]),
    ("numeric <", {"numeric": ["<", 10]}, [9, 9.999999, -5e9], [10, 10.0, None, "9", ABSENT]),
    ("numeric <=", {"numeric": ["<=", 10]}, [10, 10.0], [10.000001]),
    ("numeric >", {"numeric": [">", 0]}, [1, 0.000001, 5e9], [0, -1, True, "1", 6e9, [], {}]),
    ("numeric >=", {"numeric": [">=", 0]}, [0, -0.0], [-0.000001, False]),
    ("numeric range", {"numeric": [">", 0, "<=", 5]}, [1, 5, [9, 3]], [0, 5.1, [-1, 9], None]),
    (
        "cidr",
        {"cidr": "10.0.0.0/24"},
        ["10.0.0.0", "10.0.0.255"],
        ["10.0.1.0", "10.0.0.256", "10.0.0", "x", 167772160, "::", None, ABSENT, "10.0.0.0/24"],
    ),
    ("cidr of an address inside", {"cidr": "10.0.0.77/24"}, ["10.0.0.1"], ["10.0.1.77"]),
    ("cidr of one address", {"cidr": "10.0.0.7/32"}, ["10.0.0.7"], ["10.0.0.8"]),
    ("cidr of all", {"cidr": "0.0.0.0/0"}, ["255.255.255.255"], ["::1"]),
    (
        "cidr, IPv6",
        {"cidr": "2001:db8:1234:1a00::/64"},
        ["2001:db8:1234:1a00::1", "2001:0DB8:1234:1A00:0:0:0:0"],
        ["2001:db8:1234:1a01::1", "10.0.0.1"],
    ),
    (
        "exists true",
        {"exists": True},
        ["", None, 0, False, ["a"], [{"y": 1}, "a"]],
        [ABSENT, [], {}, {"y": 1}, [[]], [{"y": 1}]],
    ),
    (
        "exists false",
        {"exists": False},
        [ABSENT, [], {}, {"y": 1}, [[]], [{"y": 1}]],
        ["", None, 0, False, ["a"]],
    ),
]


@pytest.mark.parametrize(
    ("entry", "value", "expected"),
    [
        pytest.param(entry, value, expected, id=f"{name}-{expected}-{at}")
        for name, entry, accepted, refused in CASES
        for expected, values in ((True, accepted), (False, refused))
        for at, value in enumerate(values)
    ],
)
def test_an_operator_accepts(entry, value, expected):
    assert accepts(entry, value) is expected


@pytest.mark.parametrize("value", [5, 99, "draft", None])
def test_one_of_the_entries_of_a_list_is_enough(value):
    pattern = Pattern.parse({"x": ["draft", None, 5, {"numeric": [">", 50]}]})
    assert pattern.matches({"x": value})
    assert not pattern.matches({"x": 49})
    assert not pattern.matches({})


def test_absence_is_one_of_several_ways_to_match():
    pattern = Pattern.parse({"x": [{"anything-but": "a"}, {"exists": False}]})
    assert pattern.matches({"x": "b"})
    assert pattern.matches({})
    assert pattern.matches({"x": {"deeper": "a"}})
    assert not pattern.matches({"x": "a"})


def test_a_long_value_against_many_stars_takes_no_time():
    pattern = Pattern.parse({"x": [{"wildcard": "*a*a*a*a*b"}]})
    assert not pattern.matches({"x": "a" * 1_000_000})
