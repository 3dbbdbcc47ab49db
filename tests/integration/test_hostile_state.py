"""A sandbox that asks for state as no agent does: its own call ends, and no other one is harmed."""

from __future__ import annotations

import time

import pytest

from nbfaas import Context, State, remote
from nbfaas.dispatch.state_desk import MOST_WAITING, RATE
from nbfaas.errors import SandboxLost

pytestmark = [
    pytest.mark.usefixtures("service"),
    pytest.mark.parametrize("service", ["process"], indirect=True),
]


def forge(control, values=(), times=1, call=0):
    """Send STATE frames past the agent, and read no replies."""
    import gc
    import struct
    import time

    gc.unfreeze()
    agent = next(each for each in gc.get_objects() if type(each).__name__ == "Agent")
    body = struct.pack(f"<{len(values) + 1}Q", *map(len, values), 0) + b"".join(values)
    number = call or agent._claims.claimed
    head = struct.pack("<BBBBIQQ", 1, 13, 0, len(values) + 1, len(control), number, len(body))
    agent._sock.sendall((head + control + body) * times)
    time.sleep(60)


FORGED = {
    "no JSON": (b"{",),
    "too deep": (b'{"op":' + b"[" * 100_000,),
    "an unknown operation": (b'{"op": "drop", "key": "k"}',),
    "no key": (b'{"op": "get"}',),
    "a name of its own": (b'{"op": "get", "name": "other"}',),
    "a key too long": (b'{"op": "get", "key": "' + b"k" * 513 + b'"}',),
    "half a surrogate": (b'{"op": "get", "key": "\\ud800"}',),
    "a value too large": (b'{"op": "set", "key": "k"}', [b"B" + bytes(300_000)]),
    "far too large": (b'{"op": "set", "key": "k"}', [b"B" + bytes(30 << 20)]),
    "a value of no kind": (b'{"op": "set", "key": "k"}', [b"?"]),
    "too many values": (b'{"op": "set", "key": "k"}', [b"J1"] * 3),
    "another's call": (b'{"op": "get", "key": "k"}', (), 1, 10**6),
    "too many at once": (b'{"op": "keys"}', (), MOST_WAITING * 4),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_request_that_makes_no_sense_ends_its_call(name):
    with pytest.raises(SandboxLost, match="broke the protocol"):
        remote(forge).spawn(*FORGED[name]).result(timeout=20)


def test_who_asks_too_often_waits_and_others_do_not():
    @remote
    def greedy(times, context: Context):
        import time

        began = time.perf_counter()
        for _ in range(times):
            context.state.get("k")
        return time.perf_counter() - began

    @remote
    def modest(context: Context):
        return context.state.incr("n")

    modest.remote()
    call = greedy.spawn(RATE * 2)
    began = time.perf_counter()
    for _ in range(10):
        modest.remote()
    assert time.perf_counter() - began < 5
    assert call.result(timeout=60) >= 0.9
    assert State("modest").get("n") >= 11


def test_a_function_that_names_another_gets_its_own():
    def ask_for_another(context):
        from nbfaas.agent.state import State as FunctionState

        stolen = FunctionState("victim", context.state._access)
        return stolen.get("k"), stolen._access.ask({"op": "get", "key": "k", "name": "victim"})

    State("victim").set("k", "private")
    value, (reply, _) = remote(ask_for_another).remote()
    assert value is None
    assert not reply["found"]
