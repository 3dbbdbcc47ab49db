"""Weighted aliases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfaas.catalog import Alias, choose, draw_for
from nbfaas.catalog.names import check_name, check_weight, default_name, split
from nbfaas.errors import BadDeployment


def alias(weight: float, other: int | None = 2) -> Alias:
    return Alias("thumb", "prod", 1, other, weight, 0.0)


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1))
def test_a_version_is_chosen_by_its_share(draw, weight):
    assert choose(alias(weight), draw) == (2 if draw < weight else 1)
    assert choose(alias(weight, other=None), draw) == 1


@given(st.text())
def test_no_share_is_never_and_the_whole_share_always(key):
    draw = draw_for(alias(0), key)
    assert 0 <= draw < 1
    assert choose(alias(0.0), draw) == 1
    assert choose(alias(1.0), draw) == 2


def test_a_tenth_of_the_keys_is_a_tenth():
    chosen = [choose(alias(0.1), draw_for(alias(0.1), f"customer-{n}")) for n in range(10_000)]
    assert 0.09 < chosen.count(2) / 10_000 < 0.11


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_key_stays_with_the_second_version_when_its_share_grows(key, one, other):
    small, large = sorted((one, other))
    draw = draw_for(alias(small), key)
    assert draw == draw_for(alias(large), key)
    if choose(alias(small), draw) == 2:
        assert choose(alias(large), draw) == 2


@pytest.mark.parametrize("weight", [-0.1, 1.1, "much", None, True, float("nan")])
def test_a_weight_is_a_share(weight):
    with pytest.raises(BadDeployment, match="a share from 0 to 1"):
        check_weight(weight)


@pytest.mark.parametrize("name", ["Thumb", "a b", "", "-a", "a..b", "a/b", "ä", 3, "x" * 101])
def test_names_are_those_of_docker(name):
    with pytest.raises(BadDeployment, match="lower-case"):
        check_name(name)


@given(st.text())
def test_the_default_name_can_be_used(name):
    derived = default_name(name)
    assert not derived or check_name(derived.rstrip("_")) == derived.rstrip("_")


def test_a_reference_is_a_name_and_what_is_behind_the_colon():
    assert split("thumb:prod") == ("thumb", "prod")
    assert split("thumb") == ("thumb", None)
