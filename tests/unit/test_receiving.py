"""How the agent waits for its next frame, over a real socket pair."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from nbfaas.agent import wire
from nbfaas.agent.receiving import SOON, Receiver, may_stay_awake
from nbfaas.agent.wire import Kind

PING = b"".join(wire.encode(Kind.PING, 1))


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, Receiver]]:
    here, there = socket.socketpair()
    with here, there:
        receiver = Receiver(there)
        receiver.may_stay_awake = True
        yield here, receiver


def in_succession(here, receiver) -> None:
    """Have frames come at once, one by one, so that the receiver waits awake for the next."""
    for _ in range(200):
        here.sendall(PING)
        receiver.next()
        if receiver.is_awake:
            return
    raise AssertionError("200 frames that waited to be read were no close succession")


def sent_later(here, seconds: float, data: bytes) -> threading.Thread:
    thread = threading.Thread(target=lambda: (time.sleep(seconds), here.sendall(data)))
    thread.start()
    return thread


def test_frames_come_in_order_awake_or_asleep(pair):
    here, receiver = pair
    for number in range(200):
        here.sendall(b"".join(wire.encode(Kind.INVOKE, number, parts=(b"x" * number,))))
        frame = receiver.next()
        assert (frame.call, frame.parts) == (number, (b"x" * number,))


def test_a_receiver_that_waits_awake_falls_asleep_if_nothing_comes_soon(pair):
    here, receiver = pair
    in_succession(here, receiver)
    later = sent_later(here, 0.5, PING)
    before = time.thread_time()
    assert receiver.next().kind == Kind.PING
    assert time.thread_time() - before < 0.1 + SOON
    assert not receiver.is_awake
    later.join()


def test_a_frame_in_pieces_is_put_together_while_waiting_awake(pair):
    here, receiver = pair
    in_succession(here, receiver)
    here.sendall(PING[:5])
    later = sent_later(here, 0.05, PING[5:])
    assert receiver.next().kind == Kind.PING
    later.join()


def test_many_frames_at_once_are_no_succession_of_lone_calls(pair):
    here, receiver = pair
    in_succession(here, receiver)
    here.sendall(PING * 3)
    assert [receiver.next().kind for _ in range(3)] == [Kind.PING] * 3
    assert not receiver.is_awake


def test_who_may_not_stay_awake_sleeps(pair):
    here, receiver = pair
    receiver.may_stay_awake = False
    for _ in range(20):
        here.sendall(PING)
        receiver.next()
        assert not receiver.is_awake


def test_the_end_is_noticed_awake_and_asleep(pair):
    here, receiver = pair
    in_succession(here, receiver)
    here.close()
    assert receiver.next() is None
    assert receiver.next() is None


def test_a_fraction_of_a_core_is_not_spent_on_waiting():
    assert not may_stay_awake(0.99)
    assert may_stay_awake(1.0) == (len(os.sched_getaffinity(0)) > 1)
