"""Who hands in an event goes before attempts at those that are safe already."""

from __future__ import annotations

import pytest

from nbfaas.triggers.crowding import Crowding


def narrowed(crowding: Crowding, now: float, window: int = 64, waiting: int = 10) -> int:
    return crowding.narrowed(window, now, waiting, limit=1000)


def test_a_few_callers_leave_the_windows_as_they_are():
    crowding = Crowding()
    crowding.gathered(7, now=1.0)
    assert narrowed(crowding, 1.0) == 64


def test_many_callers_narrow_the_windows_for_a_moment():
    crowding = Crowding()
    crowding.gathered(8, now=1.0)
    assert narrowed(crowding, 1.04) == 2
    assert narrowed(crowding, 1.06) == 64


def test_each_further_batch_prolongs_it():
    crowding = Crowding()
    crowding.gathered(30, now=1.0)
    crowding.gathered(30, now=1.04)
    crowding.gathered(1, now=1.05)
    assert narrowed(crowding, 1.08) == 2


@pytest.mark.parametrize("window", [1, 2, 31, 1000])
def test_no_trigger_comes_to_a_stop(window):
    crowding = Crowding()
    crowding.gathered(64, now=1.0)
    assert 1 <= narrowed(crowding, 1.0, window) <= window


def test_attempts_come_first_again_when_half_of_the_backlog_is_used():
    crowding = Crowding()
    crowding.gathered(64, now=1.0)
    assert narrowed(crowding, 1.0, waiting=500) == 2
    assert narrowed(crowding, 1.0, waiting=501) == 64


def test_it_is_shown_until_when():
    crowding = Crowding()
    assert repr(crowding) == "<Crowding until -inf>"
    crowding.gathered(64, now=1.0)
    assert repr(crowding) == "<Crowding until 1.05>"
