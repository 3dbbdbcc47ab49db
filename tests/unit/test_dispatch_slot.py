"""A slot over a real socket, with this test as its agent."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace

import pytest

from nbfaas.agent import wire
from nbfaas.agent.claims import SETTLE, Claims
from nbfaas.agent.wire import Kind, WireError
from nbfaas.backends.base import SandboxSpec
from nbfaas.backends.connection import SocketConnection
from nbfaas.dispatch.invocation import Invocation
from nbfaas.dispatch.keep_alive import KeepAlive
from nbfaas.dispatch.lane import Lane
from nbfaas.dispatch.slot import Slot
from nbfaas.model.function import FunctionOptions, FunctionVersion, Resources
from nbfaas.model.image import ImageSpec
from nbfaas.model.invocation import InvocationState
from nbfaas.settings import Settings

VERSION = FunctionVersion.make("score", b"payload", FunctionOptions())
STATS = bytes(wire.STATS.size)


class Owner:
    """Notes what a slot tells, and parks it as the dispatcher does."""

    def __init__(self) -> None:
        self.back: list[Invocation] = []
        self.loss: Exception | None = None

    def started(self, slot, invocation):
        invocation.state = InvocationState.RUNNING

    def answered(self, slot, invocation, frame, took):
        if not slot.in_flight:
            slot.park()

    def revoked(self, slot, invocations):
        self.back += invocations
        if not slot.in_flight:
            slot.park()

    def lost(self, slot, error):
        self.loss = error


class Stage:
    """A loaded slot, and its agent's end of the socket and of the page."""

    def __init__(self) -> None:
        host, self.agent = socket.socketpair()
        connection = SocketConnection(host, asyncio.get_running_loop())
        sandbox = SimpleNamespace(id="sandbox", connection=connection)
        self.owner = Owner()
        self.lane = Lane(VERSION, SandboxSpec(ImageSpec(), Resources()), KeepAlive(), 0.0)
        self.slot = Slot(sandbox, self.lane, self.owner, Settings(), cold=False)
        self.slot.load()
        decoder = wire.Decoder(trusting=True)
        received, ancillary, _, _ = self.agent.recvmsg_into([decoder.get_buffer()], wire.ANCILLARY)
        welcome = decoder.advance(received, wire.received_descriptors(ancillary))[0]
        self.page = Claims(welcome.parts[0].fileno())
        self.invocations = [Invocation(str(n), VERSION, (b"",), queued_at=0.0) for n in range(2)]
        self.slot.send(self.invocations)
        self.numbers = list(self.slot.in_flight)

    async def say(self, kind: Kind, number: int) -> None:
        (frame,) = wire.encode(kind, number, control=STATS)
        self.agent.send(frame)
        await asyncio.sleep(0.02)

    def close(self) -> None:
        self.slot.sandbox.connection.close()
        self.agent.close()


@pytest.fixture
async def stage():
    stage = Stage()
    yield stage
    stage.close()


async def test_a_slot_is_parked_once_if_all_is_answered_while_it_is_taken_back(stage):
    first, second = stage.numbers
    stage.page.claim(first)
    stage.page.claim(second)
    stage.slot.revoke_waiting()
    (answer,) = wire.encode(Kind.RESULT, first, control=STATS)
    (other,) = wire.encode(Kind.RESULT, second, control=STATS)
    stage.agent.send(answer + other)
    await asyncio.sleep(SETTLE + 0.05)
    assert stage.owner.back == []
    assert list(stage.lane.parked) == [stage.slot]


async def test_an_invocation_that_was_taken_back_may_be_refused(stage):
    first, second = stage.numbers
    stage.page.claim(first)
    stage.slot.revoke_waiting()
    stage.page.claim(second)  # it looks only now, and so refuses it
    await stage.say(Kind.REVOKED, second)
    assert stage.owner.back == [stage.invocations[1]]
    assert stage.owner.loss is None
    assert list(stage.slot.in_flight) == [first]


async def test_an_agent_that_refuses_what_was_not_taken_back_is_given_up(stage):
    await stage.say(Kind.REVOKED, stage.numbers[0])
    assert isinstance(stage.owner.loss, WireError)
    assert stage.owner.back == []
    assert stage.slot.release() == stage.invocations


async def test_a_released_slot_gives_back_what_was_in_flight_in_order(stage):
    assert stage.slot.release() == stage.invocations
    assert not stage.slot.in_flight
