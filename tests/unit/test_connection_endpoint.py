"""Endpoint: who may call in, and that others do no harm."""

import asyncio
import contextlib
import json
import os
import resource
import socket
import stat

import pytest

from nbfaas.agent import wire
from nbfaas.agent.wire import HEADER, PROTOCOL, Kind, WireError
from nbfaas.backends import endpoint as endpoint_module
from nbfaas.backends.endpoint import Endpoint


def hello(nonce: str, **changes: object) -> bytes:
    said = {
        "nonce": nonce,
        "protocol": PROTOCOL,
        "python": [3, 11, 7],
        "pid": 7,
        **changes,
    }
    return b"".join(wire.encode(Kind.HELLO, control=json.dumps(said).encode()))


@pytest.fixture
async def endpoint(tmp_path):
    endpoint = Endpoint(tmp_path, uid=os.getuid())
    yield endpoint
    endpoint.close()


async def call(endpoint, data: bytes = b"") -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    await asyncio.to_thread(sock.connect, str(endpoint.path))
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    if data:
        await loop.sock_sendall(sock, data)
    return sock


async def is_hung_up(sock: socket.socket) -> bool:
    async with asyncio.timeout(10):
        try:
            return await asyncio.get_running_loop().sock_recv(sock, 1) == b""
        except ConnectionResetError:
            return True


async def test_the_agent_with_the_nonce_is_taken(endpoint):
    with await call(endpoint, hello(endpoint.nonce)):
        connection, said, pid = await endpoint.greeting()
        assert said.python == (3, 11, 7)
        assert said.pid == 7
        assert pid == os.getpid()
        connection.close()


async def test_frames_right_behind_the_hello_are_not_lost(endpoint):
    behind = b"".join(wire.encode(Kind.PONG, 5))
    with await call(endpoint, hello(endpoint.nonce) + behind):
        connection, _, _ = await endpoint.greeting()
        frames: asyncio.Queue = asyncio.Queue()
        connection.on_frame = frames.put_nowait
        assert (await asyncio.wait_for(frames.get(), 10)).call == 5
        connection.close()


async def test_after_the_agent_came_the_socket_is_gone_and_the_folder_stays(endpoint):
    with await call(endpoint, hello(endpoint.nonce)):
        connection, _, _ = await endpoint.greeting()
        assert not endpoint.path.exists()
        assert endpoint.folder.is_dir()
        connection.close()
    endpoint.close()
    endpoint.close()
    assert not endpoint.folder.exists()


async def test_a_hello_that_comes_in_pieces_is_understood(endpoint):
    data = hello(endpoint.nonce)
    with await call(endpoint) as sock:
        for i in range(0, len(data), 3):
            await asyncio.get_running_loop().sock_sendall(sock, data[i : i + 3])
            await asyncio.sleep(0)
        connection, _, _ = await endpoint.greeting()
        connection.close()


@pytest.mark.parametrize(
    "junk",
    [
        b"GET / HTTP/1.1\r\nHost: nowhere.example\r\n\r\n",
        bytes(1000),
        HEADER.pack(PROTOCOL, Kind.HELLO, 0, 0, 3_000_000, 0, 0),
        HEADER.pack(PROTOCOL, Kind.HELLO, 0, 0, 10, 0, 1 << 62),
        b"".join(wire.encode(Kind.RESULT, 1, parts=[b"x"])),
        b"".join(wire.encode(Kind.HELLO, control=b"not json")),
        b"".join(wire.encode(Kind.HELLO, control=b"[1]")),
        b"".join(wire.encode(Kind.HELLO, control=b"[" * 30000)),
        b"".join(wire.encode(Kind.HELLO)),
        hello("0" * 64),
        hello(""),
        hello("é"),
    ],
    ids=range(12),
)
async def test_others_are_hung_up_on_and_the_agent_can_still_come(endpoint, junk):
    with await call(endpoint, junk) as stranger:
        assert await is_hung_up(stranger)
    with await call(endpoint, hello(endpoint.nonce)):
        connection, _, _ = await endpoint.greeting(seconds=10)
        connection.close()


async def test_strangers_who_say_nothing_only_delay_the_agent(endpoint, monkeypatch):
    monkeypatch.setattr(endpoint_module, "_HELLO_SECONDS", 0.2)
    # More than are listened to at a time: the others, and the agent, wait in the backlog.
    strangers = [await call(endpoint) for _ in range(20)]
    with await call(endpoint, hello(endpoint.nonce)):
        connection, _, _ = await endpoint.greeting(seconds=10)
        connection.close()
    for stranger in strangers:
        assert await is_hung_up(stranger)
        stranger.close()


async def test_another_user_is_hung_up_on_even_with_the_nonce(tmp_path):
    endpoint = Endpoint(tmp_path, uid=os.getuid() + 1)
    with await call(endpoint) as stranger:
        assert await is_hung_up(stranger)
    endpoint.close()


async def test_an_agent_of_another_protocol_is_named_as_such(endpoint):
    sock = await call(endpoint, hello(endpoint.nonce, protocol=99))
    with sock, pytest.raises(WireError, match="protocol 99"):
        await endpoint.greeting()


async def test_a_hello_without_python_is_refused_with_the_reason(endpoint):
    sock = await call(endpoint, hello(endpoint.nonce, python="3.11"))
    with sock, pytest.raises(WireError, match="lacks"):
        await endpoint.greeting()


async def test_closing_hangs_up_on_whoever_is_pending(endpoint):
    with await call(endpoint) as sock:
        await asyncio.sleep(0.02)
        endpoint.close()
        assert await is_hung_up(sock)


async def test_every_user_may_connect_but_only_the_owner_may_change_the_folder(endpoint):
    assert stat.S_IMODE(endpoint.path.stat().st_mode) == 0o666
    assert stat.S_IMODE(endpoint.folder.stat().st_mode) == 0o755


async def test_waiting_ends_when_the_agent_has_ended(endpoint):
    ended = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.02, ended.set_result, None)
    assert await endpoint.greeting(ended, seconds=30) is None
    assert await endpoint.greeting(seconds=0.02) is None


async def test_an_agent_that_nobody_waited_for_is_hung_up_on(endpoint):
    with await call(endpoint, hello(endpoint.nonce)) as sock:
        while endpoint.path.exists():
            await asyncio.sleep(0.005)
        endpoint.close()
        assert await is_hung_up(sock)


async def test_without_file_descriptors_it_waits_and_then_goes_on(tmp_path, monkeypatch):
    tries = []
    accept = Endpoint._accept

    def counted(self):
        tries.append(self)
        accept(self)

    monkeypatch.setattr(Endpoint, "_accept", counted)
    endpoint = Endpoint(tmp_path, uid=os.getuid())
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.dup(0))
        sock.connect(str(endpoint.path))
        sock.send(hello(endpoint.nonce))
        await asyncio.sleep(0.5)
        assert 1 <= len(tries) < 10
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for each in taken:
            os.close(each)
    async with asyncio.timeout(10):
        connection, _, _ = await endpoint.greeting()
    connection.close()
    sock.close()
    endpoint.close()
