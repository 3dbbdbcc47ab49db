"""``Transformer``: select and rename fields, and EventBridge's templates."""

from __future__ import annotations

import json
import pickle

import pytest

import nbfaas.errors
from nbfaas.errors import BadTransformer
from nbfaas.rules import Transformer

EVENT = {
    "id": "e1",
    "source": "/shop",
    "type": "order.created",
    "data": {
        "id": 7,
        "customer": {"name": 'Ada "A"', "vip": None},
        "lines": [{"sku": "a"}, {"sku": "b"}],
        "a b": True,
        "x.y": "dotted",
        "sku-code": "s",
    },
}


def template(text, **paths):
    return Transformer.parse({"InputPathsMap": paths, "InputTemplate": text})


def test_fields_are_selected_and_renamed():
    transformer = Transformer.parse(
        {
            "orderId": "$.data.id",
            "who": "$.data.customer.name",
            "second": "$.data.lines[1].sku",
            "flag": "$.data['a b']",
            "dotted": '$["data"]["x.y"]',
            "code": "$.data.sku-code",
            "lines": "$.data.lines",
            "type": "$.type",
        }
    )
    assert transformer.apply(EVENT) == {
        "orderId": 7,
        "who": 'Ada "A"',
        "second": "b",
        "flag": True,
        "dotted": "dotted",
        "code": "s",
        "lines": [{"sku": "a"}, {"sku": "b"}],
        "type": "order.created",
    }
    assert Transformer.parse('{"all": "$"}').apply(EVENT) == {"all": EVENT}


def test_what_the_event_does_not_have_is_left_out_and_null_is_kept():
    transformer = Transformer.parse(
        {
            "vip": "$.data.customer.vip",
            "gone": "$.data.gone",
            "beyond": "$.data.lines[2]",
            "inside_text": "$.id.x",
            "no_list": "$.data[0]",
        }
    )
    assert transformer.apply(EVENT) == {"vip": None}


def test_a_json_template_is_filled_with_values_and_texts():
    transformer = template(
        '{"id": <id>, "who": "for <who>", "raw": <who>, "line": <line>, "text": "<line>", '
        '"n": [<id>, 1]}',
        id="$.data.id",
        who="$.data.customer.name",
        line="$.data.lines[0]",
    )
    assert transformer.apply(EVENT) == {
        "id": 7,
        "who": 'for Ada "A"',
        "raw": 'Ada "A"',
        "line": {"sku": "a"},
        "text": '{"sku": "a"}',
        "n": [7, 1],
    }


@pytest.mark.parametrize("text", ["order <id> of <who>", '"order <id> of <who>"'])
def test_a_text_template_makes_a_text(text):
    transformer = template(text, id="$.data.id", who="$.data.gone")
    assert transformer.apply(EVENT) == "order 7 of "


def test_quotes_in_a_text_template_stay():
    assert template('<id> is in state "<s>"', id="$.data.id", s="$.type").apply(EVENT) == (
        '7 is in state "order.created"'
    )


def test_a_missing_value_leaves_no_field_and_null_in_a_list():
    transformer = template(
        '{"a": <gone>, "b": [<gone>, <vip>], "c": "<gone>"}', gone="$.x", vip="$.id"
    )
    assert transformer.apply(EVENT) == {"b": [None, "e1"], "c": ""}
    assert template("<gone>", gone="$.x").apply(EVENT) is None


def test_predefined_names_need_no_path():
    transformer = Transformer.parse(
        {
            "InputTemplate": '{"rule": <aws.events.rule-name>, "head": <aws.events.event>, '
            '"all": <aws.events.event.json>}'
        }
    )
    made = transformer.apply(EVENT, rule="big-orders")
    assert made["rule"] == "big-orders"
    assert made["all"] == EVENT
    assert made["head"] == {name: EVENT[name] for name in ("id", "source", "type")}


@pytest.mark.parametrize(
    ("source", "place", "part"),
    [
        ({}, "$", "names no field"),
        ([], "$", "names no field"),
        ("{", "$", "not JSON"),
        ({"a": "data.id"}, "$.a", "starts with $"),
        ({"a": 5}, "$.a", "no JSON path"),
        ({"a b": "$.data.lines[x]"}, '$["a b"]', "from character 12 ('[x]')"),
        ({"a": "$..id"}, "$.a", "from character 1"),
        ({"a": "$.data."}, "$.a", "from character 6"),
        ({"a": "$data"}, "$.a", "from character 1"),
        ({"a": "$.lines[*].sku"}, "$.a", "from character 7"),
        ({"a": "$.data['x"}, "$.a", "from character 6"),
        ({1: "$.data"}, '$["1"]', "no string"),
        ({"InputPathsMap": {"a": "$.id"}}, "$.InputTemplate", "no text"),
        ({"InputTemplate": ""}, "$.InputTemplate", "no text"),
        ({"InputTemplate": "x", "other": "$.id"}, "$.other", "beside InputPathsMap"),
        ({"InputTemplate": "x", "InputPathsMap": ["$.id"]}, "$.InputPathsMap", "no object"),
        (
            {"InputTemplate": "x", "InputPathsMap": {"a": "id"}},
            "$.InputPathsMap.a",
            "starts with $",
        ),
        (
            {"InputTemplate": "x", "InputPathsMap": {"aws.x": "$.id"}},
            '$.InputPathsMap["aws.x"]',
            "reserved",
        ),
        (
            {"InputTemplate": "x", "InputPathsMap": {f"n{at}": "$" for at in range(101)}},
            "$.InputPathsMap",
            "100",
        ),
        (
            {"InputTemplate": "<ordr>", "InputPathsMap": {"order": "$.id"}},
            "$.InputTemplate",
            "Did you mean <order>?",
        ),
        ({"InputTemplate": '{"a": }'}, "$.InputTemplate", "no JSON"),
        (
            {"InputTemplate": '{<a>: "b"}', "InputPathsMap": {"a": "$.id"}},
            "$.InputTemplate",
            "key 'a'",
        ),
        (
            {"InputTemplate": '[{"<a>": "b"}]', "InputPathsMap": {"a": "$.id"}},
            "$.InputTemplate",
            "key '<a>'",
        ),
    ],
)
def test_a_bad_transformer_is_refused_with_its_place(source, place, part):
    with pytest.raises(BadTransformer) as caught:
        Transformer.parse(source)
    assert caught.value.place == place
    assert part in str(caught.value)
    assert BadTransformer.__module__ == nbfaas.errors.__name__


def test_a_transformer_is_a_value():
    given = {"InputPathsMap": {"id": "$.id"}, "InputTemplate": '{"x": <id>}'}
    first, second = Transformer.parse(given), Transformer.parse(json.dumps(given))
    assert first == second
    assert hash(first) == hash(second)
    assert first != Transformer.parse({"id": "$.id"})
    assert first.to_dict() == given
    assert repr(Transformer.parse({"id": "$.id"})) == 'Transformer({"id": "$.id"})'
    again = pickle.loads(pickle.dumps(first))
    assert again.apply(EVENT) == {"x": "e1"}
