"""What is kept idle, and for how long."""

from __future__ import annotations

import pytest

from nbfaas.dispatch.keep_alive import ENOUGH, KeepAlive
from nbfaas.dispatch.load import STABLE, Load


def learnt(*gaps: float) -> KeepAlive:
    keep_alive, now = KeepAlive(), 0.0
    for gap in gaps:
        keep_alive.quiet(now)
        now += gap
        keep_alive.called(now)
    return keep_alive


def test_until_enough_is_known_the_fallback_holds():
    assert learnt(*[1.0] * (ENOUGH - 1)).seconds(600) == 600
    assert KeepAlive().seconds(600) == 600


def test_a_function_called_every_two_minutes_is_kept_for_three():
    assert learnt(*[120.0] * ENOUGH).seconds(600) == pytest.approx(180)


def test_rare_long_gaps_do_not_count_but_frequent_ones_do():
    assert learnt(*[100.0] * 40, 5000.0).seconds(600) == pytest.approx(150)
    assert learnt(*[100.0, 700.0] * 20).seconds(600) == pytest.approx(1050)


def test_what_is_learnt_stays_within_bounds_of_the_setting():
    assert learnt(*[2.0] * ENOUGH).seconds(600) == 60
    assert learnt(*[86400.0] * ENOUGH).seconds(600) == 1800


def test_the_gaps_within_a_burst_do_not_hide_those_between_bursts():
    bursts = ([0.001] * 200 + [120.0]) * ENOUGH
    assert learnt(*bursts).seconds(600) == pytest.approx(180)


def test_calls_that_overlap_leave_no_gap():
    keep_alive = KeepAlive()
    for now in range(100):
        keep_alive.called(float(now))
    assert "0 gaps" in repr(keep_alive)


def watched(under_way: list[int], sandboxes: int) -> tuple[Load, float]:
    load, now = Load(0.0), 0.0
    for number in under_way:
        now += 1.0
        load.add(now, number, sandboxes)
    return load, now


def test_what_the_average_does_not_need_is_surplus():
    load, now = watched([2] * 70, 8)
    assert load.surplus(now, 8) == 6


def test_one_is_left_to_the_keep_alive_however_idle():
    load, now = watched([0] * 70, 8)
    assert load.surplus(now, 8) == 7
    assert load.surplus(now, 1) == 0


def test_nothing_is_surplus_before_a_whole_window_was_seen():
    load, now = watched([0] * int(STABLE / 2), 8)
    assert load.surplus(now, 8) == 0


def test_after_a_panic_nothing_is_surplus_for_a_whole_window():
    load, now = watched([0] * 70 + [16] + [0] * 30, 8)
    assert load.surplus(now, 8) == 0
    calm, later = watched([0] * 70 + [16] + [0] * 70, 8)
    assert calm.surplus(later, 8) == 7
