"""Short reprs: bounded in length and in time, whatever the value is."""

import time

import pytest

from nbfaas.pictures.short_repr import short_repr


class Raises:
    def __repr__(self):
        raise ValueError("no")


class Deep(list):
    """reprlib does not know it, so that its whole repr would be made."""


def nested(kind, depth):
    value = kind()
    for _ in range(depth):
        value = kind((value, value))
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        ("a'b", '"a\'b"'),
        ([1, 2], "[1, 2]"),
        ({"a": (1,)}, "{'a': (1,)}"),
        (range(10**9), "range(0, 1000000000)"),
        (1 << 100_000, "<int of 100,001 bits>"),
        (Raises(), "<Raises, whose repr raised ValueError>"),
        ([Raises(), 1], "[<Raises, whose repr raised ValueError>, 1]"),
    ],
    ids=["int", "str", "list", "dict", "range", "large int", "raising", "raising inside"],
)
def test_a_value_is_shown_as_python_would_unless_that_can_t_be_done(value, text):
    assert short_repr(value) == text


@pytest.mark.parametrize(
    "value",
    [
        nested(tuple, 60),
        nested(Deep, 60),
        "x" * 5_000_000,
        b"x" * 5_000_000,
        list(range(1_000_000)),
        set(range(1_000_000)),
        frozenset(range(1_000_000)),
        {i: i for i in range(1_000_000)},
    ],
    ids=["tuples", "subclass", "str", "bytes", "list", "set", "frozenset", "dict"],
)
def test_what_is_large_or_forged_is_shown_at_once_and_in_short(value):
    begun = time.process_time()
    text = short_repr(value, 300)
    assert time.process_time() - begun < 0.5
    assert 0 < len(text) <= 300


def test_the_limit_holds_for_text_that_is_all_escapes():
    assert len(short_repr("\x1b" * 1000, 100)) <= 100
