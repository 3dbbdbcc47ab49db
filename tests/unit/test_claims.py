"""The page on which agent and host agree about what was started."""

from __future__ import annotations

import os

import pytest

from nbfaas.agent.claims import Claims


def both_sides() -> tuple[Claims, Claims]:
    host, passing = Claims.create()
    return host, Claims(os.dup(passing.fileno()))


def test_without_a_revocation_everything_may_be_started():
    host, agent = both_sides()
    assert all(agent.claim(number) for number in range(2, 50))
    assert host.claimed == 49


def test_what_is_revoked_is_not_started_and_what_comes_later_is():
    host, agent = both_sides()
    assert agent.claim(2)
    host.revoke(3, 5)
    assert host.claimed == 2
    assert [agent.claim(number) for number in range(3, 8)] == [False, False, False, True, True]


def test_a_later_revocation_takes_the_place_of_the_earlier_one():
    host, agent = both_sides()
    host.revoke(3, 5)
    assert not agent.claim(5)
    assert agent.claim(6)
    host.revoke(8, 9)
    assert agent.claim(7)
    assert not agent.claim(8)
    assert "8 to 9 revoked" in repr(host)


def test_the_host_sees_what_was_started_before_its_revocation():
    host, agent = both_sides()
    assert agent.claim(4)
    host.revoke(3, 6)
    assert host.claimed == 4  # so 5 and 6 can be run elsewhere, and 4 can not


def test_a_sandbox_can_not_cut_the_page_off_under_the_host():
    host, passing = Claims.create()
    with pytest.raises(PermissionError):
        os.ftruncate(passing.fileno(), 0)
    assert host.claimed == 0
