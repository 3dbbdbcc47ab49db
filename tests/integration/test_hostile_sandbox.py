"""A function that has taken over its agent: whatever it says, its own call ends, and no other one
is harmed."""

from __future__ import annotations

import time

import pytest

from nbfaas import remote
from nbfaas.errors import SandboxLost

pytestmark = [
    pytest.mark.usefixtures("service"),
    pytest.mark.parametrize("service", ["process"], indirect=True),
]


def forge(kind, control, parts=0, body=b"", files=()):
    """Answer the running call with a frame of one's own making, and say no more."""
    import array
    import gc
    import socket
    import struct

    gc.unfreeze()
    agent = next(each for each in gc.get_objects() if type(each).__name__ == "Agent")
    call = agent._claims.claimed
    head = struct.pack("<BBBBIQQ", 1, kind, 1, parts, len(control), call, len(body))
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))
    frame = head + control + body
    sent = agent._sock.sendmsg([frame], [rights] if files else [])
    agent._sock.sendall(frame[sent:])
    time.sleep(60)


def forge_empty_file(control):
    """A FAILURE whose only part is a sealed memory file without a single byte."""
    import fcntl
    import os

    fd = os.memfd_create("empty", os.MFD_ALLOW_SEALING)
    fcntl.fcntl(fd, 1033, 15)
    forge(9, control, 1, (1 << 63).to_bytes(8, "little"), [fd])


STATS = bytes(40)
FORGED = {
    "too deep": (9, STATS + b'{"kind":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "a number too large": (
        9,
        STATS + b'{"kind": "result_too_large", "size": 1' + b"0" * 400 + b"}",
    ),
    "too many parts": (8, STATS, 255, (4).to_bytes(8, "little") + bytes(254 * 8) + b"\x80\x05N."),
}


@pytest.mark.parametrize("name", FORGED)
def test_an_answer_that_makes_no_sense_ends_its_call(name):
    with pytest.raises(SandboxLost):
        remote(forge).spawn(*FORGED[name]).result(timeout=20)


def test_an_answer_with_an_empty_memory_file_ends_its_call():
    call = remote(forge_empty_file).spawn(STATS + b'{"kind": "exception"}')
    with pytest.raises(SandboxLost, match="makes no sense"):
        call.result(timeout=20)


def chatter(count, size):
    """Write LOG frames past the agent's own limit."""
    import gc
    import struct

    gc.unfreeze()
    agent = next(each for each in gc.get_objects() if type(each).__name__ == "Agent")
    call = agent._claims.claimed
    head = struct.pack("<BBBBIQQ", 1, 7, 1, 0, 0, call, size)
    agent.send([(head + bytes(size)) * count])


@pytest.mark.parametrize(("count", "size"), [(100_000, 0), (3, 50 << 20)])
def test_the_host_keeps_only_so_much_of_what_a_sandbox_writes(count, size):
    call = remote(chatter).spawn(count, size)
    assert call.result(timeout=20) is None
    assert call._invocation.log is None or len(call._invocation.log) < 100
    assert len(call.logs) < 2 << 20


def test_a_sandbox_that_boasts_of_its_memory_counts_as_its_limit(service):
    def boast():
        import gc

        gc.unfreeze()
        agent = next(each for each in gc.get_objects() if type(each).__name__ == "Agent")
        agent._usage.end = lambda: b"\xff" * 40

    loud = remote(memory="100MB")(boast)
    assert loud.spawn().result(timeout=20) is None
    lane = service.dispatcher.fleet.lanes[loud.version().digest]
    assert [slot.memory for slot in lane.slots] == [100 << 20]
