"""Secrets and state, frame by frame, in every backend's sandboxes."""

from __future__ import annotations

import asyncio
import json

import pytest
from talk import Failed, Talk

from nbfaas.agent import codec, wire
from nbfaas.agent.buffers import views
from nbfaas.agent.wire import Codec, Frame, Kind
from nbfaas.packager.pack import pack
from nbfaas.state import StateStore, read_request

CANARY = "canary-4711-value"


class Host(Talk):
    """Answers what is asked about state, as the dispatcher does."""

    def __init__(self, sandbox, store: StateStore) -> None:
        super().__init__(sandbox)
        self.store = store
        self.asked: list[int] = []
        self.connection.on_frame = self._heard

    def _heard(self, frame: Frame) -> None:
        if frame.kind != Kind.STATE:
            self._frames.put_nowait(frame)
            return
        self.asked.append(frame.call)
        values = [bytes(each) for each in views(frame.parts)][:-1]
        request = read_request(frame.control, values)
        reply, found = self.store.answer("handler", request, values)
        control = json.dumps({"id": request.id, **reply}).encode()
        self.connection.send(wire.encode(Kind.STATE_REPLY, frame.call, 0, control, [*found, b""]))

    def give_secrets(self, values: dict[str, str]) -> None:
        body = json.dumps(values).encode()
        self.connection.send(wire.encode(Kind.SECRETS, 1, Codec.JSON, b"", [body]))

    async def call_function(self, *args, **kwargs):
        self._calls += 1
        parts = codec.dump((args, kwargs))
        self.connection.send(wire.encode(Kind.INVOKE, self._calls, Codec.PICKLE, b"{}", parts))
        return await self._value(self._calls)


@pytest.fixture
async def host(sandbox, tmp_path):
    store = StateStore(tmp_path / "state.db", 10 << 20)
    yield Host(sandbox, store)
    store.close()


COUNT = """
def handler(event, context):
    state = context.state
    state.set("large", b"x" * 200_000)
    assert len(state.get("large")) == 200_000
    for _ in range(event):
        state.incr("n")
    print("counted")
    return state.get("n"), state.keys()
"""


@pytest.mark.parametrize("isolation", ["reuse", "call"])
async def test_state_is_asked_for_while_other_invocations_wait_in_the_sandbox(host, isolation):
    await host.load(COUNT, isolation=isolation)
    waiting = [host.send(5) for _ in range(4)]
    for index, call in enumerate(waiting):
        assert await host._value(call) == (5 * (index + 1), ["large", "n"])
    assert set(host.asked) == set(waiting)
    assert host.log == b"counted\n" * 4


@pytest.mark.parametrize("isolation", ["reuse", "call"])
async def test_a_refusal_is_an_error_in_the_function(host, isolation):
    host.store.quota = 10
    body = (
        "try:\n    context.state.set('k', 'x' * 100)\n"
        "except Exception as error:\n    return type(error).__name__, context.state.keys()"
    )
    lines = ["def handler(event, context):", *(f"    {line}" for line in body.splitlines())]
    await host.load("\n".join(lines), isolation=isolation)
    assert await host.call() == ("StateFull", [])


async def test_a_child_that_dies_while_it_is_answered_does_not_take_the_sandbox_with_it(host):
    source = """
import os, threading, time
def handler(event, context):
    context.state.set("large", b"x" * 250_000)
    if event:
        threading.Thread(target=lambda: [context.state.get("large") for _ in range(99)]).start()
        time.sleep(0.02)
        os.kill(os.getpid(), 9)
    return context.state.incr("n")
"""
    await host.load(source, isolation="call")
    assert await host.call(False) == 1
    with pytest.raises(Failed, match="crashed"):
        await host.call(True)
    assert await host.call(False) == 2


LATE = """
import threading
kept = []
def handler(event, context):
    state = context.state
    if event == "leave":
        context.state.incr("n")
        kept.append(state)
        threading.Thread(target=late, args=(state,)).start()
        return None
    return kept[1]

def late(state):
    import time
    time.sleep(0.2)
    try:
        kept.append(state.incr("n"))
    except Exception as error:
        kept.append(f"{type(error).__name__}: {error}")
"""


async def test_a_thread_that_outlives_its_invocation_is_refused(host):
    await host.load(LATE)
    await host.call("leave")
    await asyncio.sleep(0.6)
    assert "invocation that this state belongs to has ended" in await host.call("tell")
    request = read_request(b'{"op": "get", "key": "n"}', [])
    assert host.store.answer("handler", request)[1] == (b"J1",)


async def test_secrets_are_files_in_the_sandbox_and_redacted_in_what_it_says(host):
    host.give_secrets({"API_KEY": CANARY, "EMPTY": ""})
    source = f"""
import os, stat
print("loading {CANARY}")
def handler(event, context):
    path = context.secrets.path("API_KEY")
    print(open(path).read())
    os.system(f"cat {{path}}; env")
    if event:
        raise ValueError(context.secrets["API_KEY"])
    mode = stat.S_IMODE(os.stat(path).st_mode)
    return context.secrets["API_KEY"] == {CANARY!r}, mode, path, dict(context.secrets)["EMPTY"]
"""
    await host.load(source)
    right, mode, path, empty = await host.call()
    assert (right, mode, empty) == (True, 0o400, "")
    assert path.endswith("/.nbfaas/secrets/API_KEY")
    with pytest.raises(Failed) as caught:
        await host.call(True)
    assert "***API_KEY***" in caught.value.said["message"]
    assert CANARY not in str(caught.value.said)
    assert CANARY.encode() not in host.log
    assert host.log.count(b"***API_KEY***") == 5


async def test_a_failures_arguments_do_not_tell_a_secret(host):
    host.give_secrets({"API_KEY": CANARY})
    await host.load("def handler(event, context):\n    raise KeyError(context.secrets['API_KEY'])")
    call = host.send()
    frame = await host._answer(call)
    assert frame.kind == Kind.FAILURE
    assert CANARY.encode() not in b"".join(views(frame.parts)) + frame.control


async def test_a_plain_function_gets_a_context_only_where_it_asks_for_one(host):
    def counted(context, step=1):
        return context.state.incr("n", step)

    await host.load(pack(counted, "counted").payload, entry="function")
    assert await host.call_function() == 1
    assert await host.call_function(step=4) == 5
