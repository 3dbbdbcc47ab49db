"""What a notebook is told of how the server serves what it has deployed."""

from __future__ import annotations

from nbfaas.catalog import Alias
from nbfaas.server.served_words import served_words

FILE = "/etc/nbfaas.toml"


def led(alias: str, version: int, other: int | None = None) -> Alias:
    return Alias("thumb", alias, version, other, 0.1 if other else 0.0, 0.0)


def test_a_version_that_is_reached_is_told_with_the_alias():
    served = {"thumb": led("prod", 2)}
    assert served_words("thumb", "v2", "prod", served, (), FILE) == "Served as thumb (prod → v2)."
    canary = {"thumb": led("prod", 1, 2)}
    told = served_words("thumb", "v2", None, canary, (), FILE)
    assert told == "Served as thumb (prod → v1 0.9, v2 0.1)."
    fixed = {"thumb": led("v2", 2)}
    assert served_words("thumb", "v2", None, fixed, ("thumb:v2",), FILE) == "Served as thumb (v2)."


def test_a_version_that_is_not_reached_is_told_with_what_would_lead_to_it():
    served = {"thumb": led("prod", 1)}
    told = served_words("thumb", "v2", None, served, (), FILE)
    assert told.endswith("this one is thumb:v2 there. To serve it instead: "
                         "%faas alias thumb prod v2.")  # fmt: skip
    told = served_words("thumb", "v2", "dev", served, (), FILE)
    assert "this one is thumb:dev there" in told
    # Where the alias leads there already, something else is wrong, which is told beside it.
    assert "%faas alias" not in served_words("thumb", "v2", "prod", served, (), FILE)
    assert "%faas alias" not in served_words(
        "thumb", "v2", None, {"thumb": led("v1", 1)}, ("thumb:v1",), FILE
    )


def test_what_is_not_served_is_told_with_the_alias_or_the_entry_that_it_lacks():
    told = served_words("thumb", "v1", None, {}, (), FILE)
    assert "no alias prod leads to it: %faas alias thumb prod v1." in told
    assert told.endswith("This notebook may call it: nbfaas.deployed('thumb', 'v1').")
    told = served_words("thumb", "v1", "prod", {}, ("other",), FILE)
    assert f'functions in {FILE} does not name it: put "thumb" there and start' in told
    assert 'put "thumb:dev" there' in served_words("thumb", "v1", "dev", {}, ("other",), FILE)
    assert 'put "thumb:v1" there' in served_words("thumb", "v1", None, {}, ("other",), FILE)
