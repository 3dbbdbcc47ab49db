"""A run that is looked at and acted on while its items end."""

from __future__ import annotations

import sys

import pytest

from nbfaas import remote

pytestmark = [
    pytest.mark.usefixtures("service"),
    pytest.mark.parametrize("service", ["process"], indirect=True),
]


@pytest.fixture
def busy_threads():
    """Threads change places as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("busy_threads")
def test_a_call_of_an_item_settles_however_close_the_items_end_is():
    @remote
    def same(value):
        return value

    same.remote(0)
    for _ in range(20):
        run = same.map(range(200))
        calls = run.calls
        assert [call.result(timeout=20) for call in calls] == list(range(200))
        assert run.wait(20)
        assert run.counts.done == 200


@pytest.mark.usefixtures("busy_threads")
def test_retrying_what_failed_while_the_others_run_counts_every_item_once():
    @remote
    def odd_fails(value):
        if value % 2:
            raise ValueError(value)
        return value

    for _ in range(5):
        run = odd_fails.map(range(100), return_exceptions=True)
        for _ in range(20):
            run.retry_failed()
        assert run.wait(30)
        counts = run.counts
        assert (counts.done, counts.failed, counts.settled) == (50, 50, 100)
