"""A lane's queue: invocations leave in the order they came, and settled ones are passed over."""

import pytest

from nbfaas.backends.base import SandboxSpec
from nbfaas.dispatch.invocation import Invocation
from nbfaas.dispatch.keep_alive import KeepAlive
from nbfaas.dispatch.lane import Lane
from nbfaas.model.function import FunctionOptions, FunctionVersion, Resources
from nbfaas.model.image import ImageSpec
from nbfaas.model.invocation import InvocationState

VERSION = FunctionVersion.make("score", b"payload", FunctionOptions())


@pytest.fixture
def lane() -> Lane:
    return Lane(VERSION, SandboxSpec(ImageSpec(), Resources()), KeepAlive(), 0.0)


def invocations(lane: Lane, count: int) -> list[Invocation]:
    made = [Invocation(str(number), VERSION, (), queued_at=0.0) for number in range(count)]
    for each in made:
        lane.push(each)
    return made


def left(lane: Lane) -> list[str]:
    return [each.id for each in iter(lane.pop, None)]


def test_the_one_that_waited_longest_goes_first(lane):
    invocations(lane, 3)
    assert lane.waiting == 3
    assert left(lane) == ["0", "1", "2"]
    assert lane.waiting == 0
    assert lane.pop() is None


def test_what_is_given_back_goes_first_in_its_own_order(lane):
    invocations(lane, 4)
    taken = [lane.pop(), lane.pop(), lane.pop()]
    lane.push_front(taken[1:])
    assert lane.waiting == 3
    assert left(lane) == ["1", "2", "3"]


def test_one_that_was_settled_while_it_waited_is_passed_over(lane):
    _, second, _ = invocations(lane, 3)
    second.state = InvocationState.CANCELLED
    lane.forget()
    assert lane.waiting == 2
    assert left(lane) == ["0", "2"]
    assert lane.waiting == 0


def test_draining_takes_all_that_wait_and_none_that_are_settled(lane):
    first, second, third = invocations(lane, 3)
    second.state = InvocationState.CANCELLED
    lane.forget()
    assert lane.drain() == [first, third]
    assert (lane.waiting, lane.pop()) == (0, None)


def test_a_lane_shows_its_function_and_what_waits(lane):
    invocations(lane, 2)
    assert repr(lane) == (f"<Lane score@{VERSION.version} 2 waiting, 0 in 0 sandboxes, 0 starting>")
