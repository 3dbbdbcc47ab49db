"""Making very many objects that all stay."""

from __future__ import annotations

import gc

import pytest

from nbfaas.remote import making
from nbfaas.remote.making import make_all


def test_items_are_made_in_order_with_their_index(monkeypatch):
    monkeypatch.setattr(making, "_AT_ONCE", 3)
    assert make_all(lambda index, item: (index, item), "abcdefgh") == list(enumerate("abcdefgh"))
    assert make_all(lambda index, item: item, ()) == []


@pytest.mark.parametrize("collecting", [True, False])
def test_the_collector_is_as_it_was_also_after_an_error(collecting):
    seen = []

    def fail(index: int, item: int) -> None:
        seen.append(gc.isenabled())
        raise ValueError(item)

    was = gc.isenabled()
    (gc.enable if collecting else gc.disable)()
    try:
        with pytest.raises(ValueError, match="7"):
            make_all(fail, [7])
        assert gc.isenabled() is collecting
    finally:
        (gc.enable if was else gc.disable)()
    assert seen == [False]


def test_garbage_of_the_making_is_looked_for_now_and_then(monkeypatch):
    monkeypatch.setattr(making, "_AT_ONCE", 1000)
    found: list[str] = []

    def note(phase: str, info: dict[str, int]) -> None:
        found.append(phase)

    gc.callbacks.append(note)
    try:
        make_all(lambda index, item: [item], list(range(20_000)))
    finally:
        gc.callbacks.remove(note)
    assert found.count("start") >= 5
