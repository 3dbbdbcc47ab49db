"""Who hands in an event goes before attempts at those that are safe already."""

from __future__ import annotations

import pytest

from nbfaas.triggers.crowding import Crowding


class Clock:
    now = 100.0
    full = False

    def crowding(self) -> Crowding:
        return Crowding(lambda: self.now, lambda: self.full)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_few_callers_hinder_nothing(clock):
    crowding = clock.crowding()
    crowding.gathered(7)
    assert crowding.room() is None


def test_many_callers_slow_the_beginning_of_attempts_down_for_a_moment(clock):
    crowding = clock.crowding()
    crowding.gathered(8)
    assert crowding.room() == 4
    clock.now += 0.06
    assert crowding.room() is None


def test_each_further_batch_prolongs_it(clock):
    crowding = clock.crowding()
    crowding.gathered(30)
    clock.now += 0.04
    crowding.gathered(30)
    crowding.gathered(1)
    clock.now += 0.04
    assert crowding.room() is not None


def test_attempts_are_begun_at_a_pace_however_long_they_run(clock):
    crowding = clock.crowding()
    begun = 0
    for _ in range(1000):
        crowding.gathered(64)
        for _ in range(crowding.room() or 0):
            crowding.began()
            begun += 1
        clock.now += 0.001
    assert 200 <= begun <= 205


def test_what_was_begun_before_the_crowd_counts_a_little_and_not_for_long(clock):
    crowding = clock.crowding()
    for _ in range(8):
        crowding.began()
    crowding.gathered(64)
    assert crowding.room() == 0
    clock.now += 0.03
    crowding.gathered(64)
    assert crowding.room() == 2


def test_attempts_come_first_again_when_half_of_the_backlog_is_used(clock):
    crowding = clock.crowding()
    crowding.gathered(64)
    clock.full = True
    assert crowding.room() is None


def test_it_is_shown_until_when(clock):
    crowding = clock.crowding()
    assert repr(crowding) == "<Crowding until -inf>"
    crowding.gathered(64)
    assert repr(crowding) == "<Crowding until 100.05>"
