"""What a destination is sent of a function's result."""

from typing import NamedTuple

import msgspec
import pytest

from nbfaas.agent.event import Event
from nbfaas.delivery.retrying import Verdict
from nbfaas.errors.delivery import ResultNotJson
from nbfaas.model.delivery import Delivery, DeliveryPolicy
from nbfaas.triggers.chains import (
    CAUSE,
    DEPTH,
    SUCCEEDED,
    depth_of,
    failure_event,
    success_event,
)
from nbfaas.triggers.trigger import Trigger

TRIGGER = Trigger("price-event", "event", "function:price", "")
EVENT = Event("order.created", {"n": 4}, source="shop", id="7", subject="order 7")
DELIVERY = Delivery(
    3, "price-event", "function:price", None, 2, 2, 0.0, 0.0, 9e9, 1, DeliveryPolicy(),
    EVENT.to_json(),
)  # fmt: skip


class Size(NamedTuple):
    width: int
    height: int


class Celsius(float):
    """As numpy.float64 is: a float, and yet another type."""


@pytest.mark.parametrize(
    ("value", "data"),
    [
        ({"size": (96, 64)}, {"size": [96, 64]}),
        (Size(96, 64), [96, 64]),
        ({"light": Celsius(3.5)}, {"light": 3.5}),
        ({1: "one"}, {"1": "one"}),
        (b"\xff", b"\xff"),
        (None, None),
    ],
)
def test_a_result_goes_on_as_json_makes_it(value, data):
    assert success_event(TRIGGER, DELIVERY, EVENT, value, None).data == data


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), object(), "\ud800", {"a": b"bytes"}])
def test_a_result_that_is_no_json_names_the_function(value):
    with pytest.raises(ResultNotJson, match="'price'"):
        success_event(TRIGGER, DELIVERY, EVENT, value, None)


def test_a_result_that_holds_itself_is_no_json():
    value: list[object] = []
    value.append(value)
    with pytest.raises(ResultNotJson, match="'price'"):
        success_event(TRIGGER, DELIVERY, EVENT, value, None)


def test_the_event_says_where_it_comes_from():
    sent = success_event(TRIGGER, DELIVERY, EVENT, 8, None)
    assert (sent.type, sent.source, sent.subject) == (SUCCEEDED, "nbfaas/function/price", "order 7")
    assert sent.extensions[DEPTH] == depth_of(sent) == 2
    assert sent.extensions[CAUSE] == "shop 7"
    assert success_event(TRIGGER, DELIVERY, EVENT, 8, "order.priced").type == "order.priced"


VERDICT = Verdict(None, "1 attempt failed")


def test_a_failure_is_told_even_if_its_text_is_no_unicode():
    told = failure_event(TRIGGER, DELIVERY, EVENT, "ValueError: \udc80", VERDICT, None)
    assert told.data["error"] == "ValueError: \\udc80"
    assert told.data["event"]["id"] == "7"


def test_of_an_event_nested_as_deeply_as_can_be_a_failure_tells_only_which_it_was():
    nested: object = 1
    for _ in range(100):
        nested = [nested]
    event = Event("order.created", nested, source="shop", id="7")
    told = failure_event(TRIGGER, DELIVERY, event, "ValueError: x", VERDICT, None)
    assert told.data["event"] == {"source": "shop", "id": "7", "type": "order.created"}


@pytest.mark.parametrize(
    ("given", "depth"),
    [("3", 3), (True, 1), (-5, 0), ("x", 0), ("9" * 30, 2**31 - 1), ("9" * 5000, 0)],
)
def test_whatever_says_how_deep_a_chain_is_gives_a_number_that_can_be_kept(given, depth):
    assert depth_of(Event("a", extensions={DEPTH: given})) == depth


def test_the_deepest_chain_s_failure_can_be_told():
    deepest = msgspec.structs.replace(DELIVERY, depth=2**31 - 1)
    told = failure_event(TRIGGER, deepest, EVENT, "too deep", VERDICT, None)
    assert depth_of(told) == 2**31 - 1


def test_a_failure_may_name_the_event_only():
    told = failure_event(TRIGGER, DELIVERY, EVENT, "e", VERDICT, None, whole=False)
    assert told.data["event"] == {"source": "shop", "id": "7", "type": "order.created"}
