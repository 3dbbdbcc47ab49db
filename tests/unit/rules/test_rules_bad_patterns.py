"""What is refused when a rule is registered, with the place and a hint."""

from __future__ import annotations

import json
import pickle
from types import MappingProxyType

import pytest

import nbfaas.errors
from nbfaas.errors import BadPattern, NbfaasError
from nbfaas.rules import Pattern

BAD = [
    # pattern, place, a part of the message
    ({}, "$", "every event"),
    ([], "$", "no object"),
    ("x", "$", "not JSON"),
    ('{"a": ["b"', "$", "line 1 column"),
    ('"a"', "$", "no object"),
    ('{"a": [NaN]}', "$", "NaN"),
    (None, "$", "no object"),
    ({"data": {}}, "$.data", "empty object"),
    ({"type": []}, "$.type", "matches nothing"),
    ({"type": "a"}, "$.type", 'Write "type": ["a"]'),
    ({"data": {"n": 5}}, "$.data.n", 'Write "n": [5]'),
    ({"data": {"n": None}}, "$.data.n", '"n": [null]'),
    ({"time": {"prefix": "2022"}}, "$.time.prefix", 'Write "time": [{"prefix": "2022"}]'),
    ({"a": [["b"]]}, "$.a[0]", "a list inside"),
    ({"a": ["b", {}]}, "$.a[1]", "0 operators"),
    ({"a": [{"prefix": "b", "suffix": "c"}]}, "$.a[0]", "2 operators"),
    ({"a": [{"EXISTS": True}]}, "$.a[0].EXISTS", "Did you mean 'exists'?"),
    ({"a": [{"NUMERIC": ["=", 5]}]}, "$.a[0].NUMERIC", "Did you mean 'numeric'?"),
    ({"a": [{"anything_but": "b"}]}, "$.a[0].anything_but", "Did you mean 'anything-but'?"),
    ({"a": [{"sufix": "b"}]}, "$.a[0].sufix", "Did you mean 'suffix'?"),
    ({"a": [{"regex": "b"}]}, "$.a[0].regex", "Operators: prefix"),
    ({"a b": {"c.d": "x"}}, '$["a b"]["c.d"]', "neither a list nor an object"),
    ({1: ["a"]}, '$["1"]', "no string"),
    ({"a": [float("nan")]}, "$.a[0]", "finite"),
    ({"a": [object]}, "$.a[0]", "type type"),
    ({"a": [{"prefix": ["b"]}]}, "$.a[0].prefix", "no string"),
    ({"a": [{"prefix": 1}]}, "$.a[0].prefix", "no string"),
    ({"a": [{"prefix": {"wildcard": "b"}}]}, "$.a[0].prefix.wildcard", "equals-ignore-case"),
    ({"a": [{"prefix": {"equals-ignore-case": 5}}]}, "$.a[0].prefix.equals-ignore-case", "string"),
    ({"a": [{"suffix": None}]}, "$.a[0].suffix", "no string"),
    ({"a": [{"suffix": {"equals-ignore-case": ["b"]}}]}, "$.a[0].suffix.equals-ignore-case", ""),
    ({"a": [{"equals-ignore-case": ["b"]}]}, "$.a[0].equals-ignore-case", "no string"),
    ({"a": [{"wildcard": 1}]}, "$.a[0].wildcard", "no string"),
    ({"a": [{"wildcard": ["b*"]}]}, "$.a[0].wildcard", "no string"),
    ({"a": [{"wildcard": "b**"}]}, "$.a[0].wildcard", "two * in a row at position 1"),
    (
        {"a": [{"wildcard": r"b\c"}]},
        "$.a[0].wildcard",
        "position 1 of the wildcard escapes nothing",
    ),
    ({"a": [{"wildcard": "b\\"}]}, "$.a[0].wildcard", "escapes nothing"),
    ({"a": [{"wildcard": "*:*:*:*:*:b/*"}]}, "$.a[0].wildcard", "too complex"),
    ({"a": [{"anything-but": None}]}, "$.a[0].anything-but", "neither strings only"),
    ({"a": [{"anything-but": True}]}, "$.a[0].anything-but", "neither strings only"),
    ({"a": [{"anything-but": []}]}, "$.a[0].anything-but", "neither strings only"),
    ({"a": [{"anything-but": ["b", 1]}]}, "$.a[0].anything-but", "neither strings only"),
    ({"a": [{"anything-but": [1, True]}]}, "$.a[0].anything-but", "neither strings only"),
    ({"a": [{"anything-but": [1, 6e9]}]}, "$.a[0].anything-but[1]", "5e9"),
    ({"a": [{"anything-but": {"prefix": ""}}]}, "$.a[0].anything-but.prefix", "empty prefix"),
    ({"a": [{"anything-but": {"suffix": ["b", ""]}}]}, "$.a[0].anything-but.suffix[1]", "empty"),
    ({"a": [{"anything-but": {"prefix": ["b", 1]}}]}, "$.a[0].anything-but.prefix[1]", "string"),
    ({"a": [{"anything-but": {"prefix": []}}]}, "$.a[0].anything-but.prefix", "refuses nothing"),
    ({"a": [{"anything-but": {"wildcard": 1}}]}, "$.a[0].anything-but.wildcard", "no string"),
    ({"a": [{"anything-but": {"wildcard": ["**"]}}]}, "$.a[0].anything-but.wildcard[0]", "row"),
    ({"a": [{"anything-but": {"numeric": ["=", 1]}}]}, "$.a[0].anything-but.numeric", "operator"),
    ({"a": [{"anything-but": {"exists": True}}]}, "$.a[0].anything-but.exists", "operator"),
    (
        {"a": [{"anything-but": {"suffix": {"equals-ignore-case": "b"}}}]},
        "$.a[0].anything-but.suffix",
        "no string",
    ),
    ({"data": {"n": [{"numeric": 10}]}}, "$.data.n[0].numeric", "no list"),
    ({"a": [{"numeric": []}]}, "$.a[0].numeric", "no list"),
    ({"a": [{"numeric": [">"]}]}, "$.a[0].numeric", "1 entries"),
    ({"a": [{"numeric": [">", 0, "<"]}]}, "$.a[0].numeric", "3 entries"),
    ({"a": [{"numeric": [">", 0, "<", 5, "<", 9]}]}, "$.a[0].numeric", "6 entries"),
    ({"a": [{"numeric": ["!=", 0]}]}, "$.a[0].numeric[0]", "Use one of =, <"),
    ({"a": [{"numeric": [5, ">"]}]}, "$.a[0].numeric[0]", "no comparison"),
    ({"a": [{"numeric": [">", "5"]}]}, "$.a[0].numeric[1]", "no number"),
    ({"a": [{"numeric": ["=", True]}]}, "$.a[0].numeric[1]", "no number"),
    ({"a": [{"numeric": [">", 0, ">", 0]}]}, "$.a[0].numeric[2]", "ends with < or <="),
    ({"a": [{"numeric": ["<", 5, ">", 0]}]}, "$.a[0].numeric[0]", "starts with > or >="),
    ({"a": [{"numeric": ["=", 5, "<", 9]}]}, "$.a[0].numeric[0]", "starts with"),
    ({"a": [{"numeric": [">", 5, "<", 5]}]}, "$.a[0].numeric", "5 is not below 5"),
    ({"a": [{"numeric": [">", 5e9 + 1]}]}, "$.a[0].numeric[1]", "between -5e9 and 5e9"),
    ({"a": [{"numeric": ["<", float("inf")]}]}, "$.a[0].numeric[1]", "between"),
    ({"a": [{"numeric": ["=", 0.1234567]}]}, "$.a[0].numeric[1]", "write 0.123457"),
    ({"a": [{"cidr": ["10.0.0.0/8"]}]}, "$.a[0].cidr", "no string"),
    ({"a": [{"cidr": "10.0.0.0"}]}, "$.a[0].cidr", "no address, slash"),
    ({"a": [{"cidr": "10.0.0.0/33"}]}, "$.a[0].cidr", "no network"),
    ({"a": [{"cidr": "10.0.0.0/255.0.0.0"}]}, "$.a[0].cidr", "number of bits"),
    ({"a": [{"cidr": "10.0.0.0/8/8"}]}, "$.a[0].cidr", "number of bits"),
    ({"a": [{"cidr": "300.0.0.0/8"}]}, "$.a[0].cidr", "no network"),
    ({"a": [{"cidr": "bad-/64filter"}]}, "$.a[0].cidr", "number of bits"),
    ({"a": [{"cidr": "xxxx::/64"}]}, "$.a[0].cidr", "no network"),
    ({"a": [{"exists": "true"}]}, "$.a[0].exists", "neither true nor false"),
    ({"a": [{"exists": 1}]}, "$.a[0].exists", "neither true nor false"),
    ({"$or": [{"a": ["b"]}]}, "$.$or", "no choice with 1 pattern,"),
    ({"$or": []}, "$.$or", "two patterns or more"),
    ({"$or": [{"a": ["b"]}, "c"]}, "$.$or", "not all its entries are patterns"),
    ({"$or": [{"a": ["b"]}, {"prefix": ["c"]}]}, "$.$or", "reserved name 'prefix'"),
    ({"$or": [{"numeric": 123}, {"prefix": "abc"}]}, "$.$or", "reserved name 'numeric'"),
    ({"$or": [{"a": ["b"]}, {}]}, "$.$or[1]", "empty object"),
    ({"x": {"$or": [{"a": ["b"]}, {"c": "d"}]}}, "$.x.$or[1].c", '"c": ["d"]'),
    ({"$or": "a"}, "$.$or", "neither a list nor an object"),
    (
        {"$or": [{"a": ["b"]}, {"c": ["d"]}], "x": {"$or": ["e"]}},
        "$.x.$or",
        "a choice at $.$or",
    ),
]


@pytest.mark.parametrize(
    ("pattern", "place", "part"), BAD, ids=[f"{at}-{place}" for at, (_, place, _) in enumerate(BAD)]
)
def test_a_bad_pattern_is_refused_with_its_place(pattern, place, part):
    with pytest.raises(BadPattern) as caught:
        Pattern.parse(pattern)
    assert caught.value.place == place
    assert f"at {place}: " in str(caught.value)
    assert part in str(caught.value)


def test_the_error_is_found_by_either_of_its_kinds():
    with pytest.raises(ValueError, match="not valid at"):
        Pattern.parse("{")
    assert issubclass(BadPattern, NbfaasError)
    assert BadPattern.__module__ == nbfaas.errors.__name__


def test_more_combinations_than_eventbridge_allows_are_refused():
    choice = [{"a": ["x"]}, *({f"b{at}": ["y"]} for at in range(9))]
    fits = {f"field{at}": {"$or": choice} for at in range(3)}
    assert len(Pattern.parse(fits).alternatives) == 1000
    with pytest.raises(BadPattern, match="10000 combinations"):
        Pattern.parse({**fits, "field3": {"$or": choice}})


@pytest.mark.parametrize("text", [False, True])
def test_a_pattern_without_end_is_refused(text):
    pattern: object = ["a"]
    for _ in range(5000):
        pattern = {"a": pattern}
    source = '{"a":' * 5000 + '["a"]' + "}" * 5000 if text else pattern
    with pytest.raises(BadPattern, match="deep"):
        Pattern.parse(source)
    with pytest.raises(BadPattern, match="100 levels"):
        Pattern.parse({".".join("a" * 101): ["b"]})


def test_a_pattern_is_a_value():
    first = Pattern.parse({"type": ["a"], "data": {"n": [1]}})
    second = Pattern.parse('{"data": {"n": [1]}, "type": ["a"]}')
    assert first == second
    assert hash(first) == hash(second)
    assert first != Pattern.parse({"type": ["a"]})
    assert first != "a"
    assert json.loads(first.source) == first.to_dict() == {"type": ["a"], "data": {"n": [1]}}
    assert repr(first) == 'Pattern({"type": ["a"], "data": {"n": [1]}})'
    with pytest.raises(AttributeError):
        first.source = "{}"
    again = pickle.loads(pickle.dumps(first))
    assert again == first
    assert again.matches({"type": "a", "data": {"n": 1.0}})


def test_a_pattern_does_not_change_with_what_it_was_made_from():
    given = {"type": ["a"]}
    pattern = Pattern.parse(given)
    given["type"].append("b")
    pattern.to_dict()["type"].append("b")
    assert not pattern.matches({"type": "b"})


def test_mappings_and_tuples_do_as_well():
    pattern = Pattern.parse(
        MappingProxyType({"type": ("a",), "data": MappingProxyType({"n": [1]})})
    )
    assert pattern.matches(MappingProxyType({"type": "a", "data": MappingProxyType({"n": (0, 1)})}))
