"""Fields together: nesting, dots, ``$or``, and arrays of objects."""

from __future__ import annotations

import pytest

from nbfaas.rules import Pattern

PEOPLE = {
    "employees": [
        {"firstName": "John", "lastName": "Doe"},
        {"firstName": "Anna", "lastName": "Smith"},
        {"firstName": "Peter", "lastName": "Jones"},
    ]
}


def check(pattern, event):
    compiled = Pattern.parse(pattern)
    matched = compiled.matches(event)
    assert compiled.explain(event).matched is matched
    return matched


def test_all_fields_must_match_and_others_do_not_matter():
    event = {"type": "order.created", "source": "/shop", "data": {"total": 5}, "traceid": "x"}
    assert check({"type": ["order.created"], "data": {"total": [5]}}, event)
    assert check({"traceid": ["x"]}, event)
    assert not check({"type": ["order.created"], "data": {"total": [6]}}, event)
    assert not check({"type": ["order.created"], "absent": ["x"]}, event)


def test_names_are_compared_with_case():
    assert not check({"TYPE": ["a"]}, {"type": "a"})


def test_a_leaf_where_the_event_has_an_object_matches_nothing():
    assert not check({"data": ["a"]}, {"data": {"a": "a"}})
    assert not check({"data": {"a": ["x"]}}, {"data": "x"})


@pytest.mark.parametrize(
    "pattern",
    [
        {"data": {"state": {"status": ["on"]}}},
        {"data": {"state.status": ["on"]}},
        {"data.state": {"status": ["on"]}},
        {"data.state.status": ["on"]},
    ],
)
@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"data": {"state": {"status": "on"}}}, True),
        ({"data": {"state.status": "on"}}, True),
        ({"data.state": {"status": "on"}}, True),
        ({"data.state.status": "on"}, True),
        ({"data": {"state.status": {"status": "on"}}}, False),
        ({"data": {"state": "on"}}, False),
    ],
)
def test_dots_in_names_are_steps(pattern, event, expected):
    assert check(pattern, event) is expected


def test_two_spellings_of_one_path_must_both_match():
    pattern = {"a.b": [{"prefix": "x"}], "a": {"b": [{"suffix": "y"}]}}
    assert check(pattern, {"a": {"b": "xy"}})
    assert not check(pattern, {"a": {"b": "x"}})


def test_empty_names_are_names():
    assert check({"": {"": ["a"]}}, {"": {"": "a"}})
    assert not check({"": ["a"]}, {"a": "a"})


# Array fields ("JSON Array Matching" in Event Ruler's README)


def test_arrays_match_if_they_share_a_value_with_the_list():
    assert check({"resources": ["a", "b"]}, {"resources": ["c", "b"]})
    assert not check({"resources": ["a", "b"]}, {"resources": ["c"]})
    assert not check({"resources": [None]}, {"resources": []})


def test_one_object_of_an_array_is_enough():
    assert check({"employees": {"firstName": ["Anna"]}}, PEOPLE)
    assert check({"employees": {"firstName": ["Anna"], "lastName": ["Smith"]}}, PEOPLE)


def test_fields_of_different_elements_are_not_taken_together():
    assert not check({"employees": {"firstName": ["Anna"], "lastName": ["Jones"]}}, PEOPLE)


def test_arrays_in_arrays_are_seen_through():
    people = PEOPLE["employees"]
    event = {"employees": [people[:2], people[2:]]}
    assert check({"employees": {"firstName": ["Anna"], "lastName": ["Smith"]}}, event)
    assert not check({"employees": {"firstName": ["Anna"], "lastName": ["Doe"]}}, event)
    assert not check({"employees": {"firstName": ["Anna"], "lastName": ["Jones"]}}, event)


def test_elements_of_different_arrays_are_taken_together():
    event = {"a": [{"x": 1}, {"x": 2}], "b": [{"y": 1}, {"y": 2}]}
    assert check({"a": {"x": [1]}, "b": {"y": [2]}}, event)


def test_inner_arrays_belong_to_their_element():
    event = {
        "lines": [
            {"sku": "a", "tags": [{"k": "color", "v": "red"}, {"k": "size", "v": "L"}]},
            {"sku": "b", "tags": [{"k": "color", "v": "blue"}]},
        ]
    }
    assert check({"lines": {"sku": ["a"], "tags": {"k": ["size"], "v": ["L"]}}}, event)
    assert not check({"lines": {"sku": ["a"], "tags": {"k": ["color"], "v": ["L"]}}}, event)
    assert not check({"lines": {"sku": ["a"], "tags": {"v": ["blue"]}}}, event)
    assert check({"lines": {"sku": ["b"], "tags": {"v": ["blue"]}}}, event)


def test_plain_values_of_an_array_are_in_no_element():
    event = {"a": ["x", "y"], "b": ["x", "y"]}
    assert check({"a": ["x"], "b": ["y"]}, event)


def test_the_same_list_at_two_places_is_two_arrays():
    shared = [{"x": 1}, {"x": 2}]
    assert check({"a": {"x": [1]}, "b": {"x": [2]}}, {"a": shared, "b": shared})


def test_absence_is_judged_in_the_element_that_fields_before_have_chosen():
    pattern = {"d": {"a": [{"exists": True}], "b": [{"exists": False}]}}
    assert check(pattern, {"d": [{"a": 1, "b": 2}, {"a": 3}]})
    assert not check(pattern, {"d": [{"a": 1, "b": 2}]})
    assert check(pattern, {"d": [{"a": 1}, {"b": 2}]})
    # As in Event Ruler, fields are taken in the order of their names.
    assert not check(
        {"d": {"b": [{"exists": True}], "a": [{"exists": False}]}}, {"d": [{"a": 1}, {"b": 2}]}
    )


def test_an_element_is_looked_for_among_many_without_trying_all_pairs():
    size = 20_000
    event = {"d": [{"a": 1} if at % 2 else {"b": 1} for at in range(size)]}
    inner = {"d": [{"e": event["d"]}], "f": [{"g": at} for at in range(size)]}
    pattern = {"e": {"a": [1], "b": [1]}}
    assert not check({"d": pattern["e"]}, event)
    assert not check({"d": pattern, "f": {"g": [{"numeric": [">=", 0]}]}}, inner)


def test_an_event_without_end_does_no_harm():
    deep: object = "a"
    for _ in range(3000):
        deep = [deep]
    assert check({"a": ["a"]}, {"a": deep})
    nested: object = "a"
    for _ in range(100_000):
        nested = {"a": nested}
    assert not check({"a": ["a"]}, {"a": nested})


# $or


def test_one_branch_is_enough_beside_the_other_fields():
    pattern = {
        "source": ["/shop"],
        "$or": [{"type": ["a"]}, {"subject": ["s"], "data": {"n": [{"numeric": [">", 5]}]}}],
    }
    assert check(pattern, {"source": "/shop", "type": "a"})
    assert check(pattern, {"source": "/shop", "subject": "s", "data": {"n": 6}})
    assert not check(pattern, {"source": "/shop", "subject": "s", "data": {"n": 5}})
    assert not check(pattern, {"source": "/other", "type": "a"})


def test_choices_nest_and_stand_side_by_side():
    pattern = {
        "$or": [{"a": [1]}, {"b": [1], "$or": [{"c": [1]}, {"d": [1]}]}],
        "data": {"$or": [{"x": [1]}, {"y": [{"exists": False}]}]},
    }
    assert check(pattern, {"a": 1})
    assert check(pattern, {"b": 1, "d": 1, "data": {"x": 1, "y": 1}})
    assert not check(pattern, {"b": 1, "data": {"x": 1}})
    assert not check(pattern, {"a": 1, "data": {"y": 1}})


def test_a_field_outside_a_choice_must_match_even_if_the_branch_has_it_too():
    pattern = {"x": [{"prefix": "a"}], "$or": [{"x": [{"suffix": "z"}]}, {"y": ["q"]}]}
    assert check(pattern, {"x": "az"})
    assert check(pattern, {"x": "a", "y": "q"})
    assert not check(pattern, {"x": "z", "y": "q"})


@pytest.mark.parametrize(
    ("pattern", "event"),
    [
        ({"$or": ["x"]}, {"$or": "x"}),
        ({"$or": ["x", "y"]}, {"$or": "y"}),
        ({"$or": {"type": ["a"], "n": [1]}}, {"$or": {"type": "a", "n": 1}}),
        ({"$or": [{"prefix": "a"}, {"suffix": "b"}]}, {"$or": "xb"}),
        ({"$or": [{"numeric": ["=", 1]}, {"exists": False}]}, {"id": "1"}),
    ],
)
def test_or_is_a_field_where_it_can_be_no_choice(pattern, event):
    assert check(pattern, event)
    assert not check(pattern, {"$or": "z", "type": "a", "n": 1})
