"""Who else calls in at a sandbox's socket changes nothing."""

import asyncio
import json
import socket

import pytest
from places import SPEC, Place
from talk import Talk

from nbfaas.agent import wire
from nbfaas.agent.wire import PROTOCOL, Kind
from nbfaas.backends.endpoint import Endpoint

WRONG = {"nonce": "0" * 64, "protocol": PROTOCOL, "python": [3, 11, 0], "pid": 1}
STRANGERS = {
    "junk": b"\xff" * 4096,
    "silence": b"",
    "wrong nonce": b"".join(wire.encode(Kind.HELLO, control=json.dumps(WRONG).encode())),
}


@pytest.fixture
def first_callers(monkeypatch):
    """Has strangers in line at every new endpoint, before its agent can be."""
    callers: list[socket.socket] = []
    data = list(STRANGERS.values())
    original = Endpoint.__init__

    def init(self, *args, **kwargs):
        original(self, *args, **kwargs)
        for say in data:
            caller = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            caller.connect(str(self.path))
            caller.sendall(say)
            callers.append(caller)

    monkeypatch.setattr(Endpoint, "__init__", init)
    yield callers
    for caller in callers:
        caller.close()


async def test_the_agent_is_found_behind_strangers_who_are_all_hung_up_on(
    place: Place, first_callers
):
    sandbox = await place.start()
    assert await Talk(sandbox).run("return event", 5) == 5
    assert len(first_callers) == len(STRANGERS)
    for caller in first_callers:
        caller.settimeout(5)
        try:
            assert await asyncio.to_thread(caller.recv, 1) == b""
        except ConnectionResetError:
            continue
    await sandbox.destroy()


async def test_nobody_can_call_in_once_the_agent_has(place: Place, monkeypatch):
    paths = []
    original = Endpoint.__init__

    def init(self, *args, **kwargs):
        original(self, *args, **kwargs)
        paths.append(self.path)

    monkeypatch.setattr(Endpoint, "__init__", init)
    sandbox = await place.start(SPEC)
    assert not paths[0].exists()
    assert paths[0].parent.is_dir()
    await sandbox.destroy()
    assert not paths[0].parent.exists()
