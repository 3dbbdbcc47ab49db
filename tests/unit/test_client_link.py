"""The client's end of a session, at a server that sends what it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import msgspec
import pytest

from nbfaas.client.link import Link
from nbfaas.errors import PayloadTooLarge
from nbfaas.errors.serve import ServerGone
from nbfaas.model.records import LogWritten
from nbfaas.model.session import Blob, Frame, frame_bytes, largest_frame

LIMIT = 1024 * 1024
LOGS = [LogWritten(1.5, "a-1", 1, 2, b"text %d" % number) for number in range(4)]


@asynccontextmanager
async def linked(stream: bytes) -> AsyncIterator[tuple[list[Frame], asyncio.Future[ServerGone]]]:
    """What a link gets from a server that always sends this, and why it gave up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET"):
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            writer.write(b"%x\r\n%s\r\n" % (len(stream), stream))
            await reader.read()
        else:
            writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1")
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    frames: list[Frame] = []
    gone: asyncio.Future[ServerGone] = asyncio.get_running_loop().create_future()
    async with httpx.AsyncClient(base_url=url) as http:
        link = Link(http, url, "s", frames.extend, gone.set_result, LIMIT)
        try:
            yield frames, gone
        finally:
            await link.close()
    server.close()
    await server.wait_closed()


async def test_what_comes_before_nonsense_is_received_and_then_the_server_is_given_up():
    sound = frame_bytes(1, LOGS[0]) + frame_bytes(2, LOGS[1])
    async with linked(sound + b"\x03\x00\x00\x00abc") as (frames, gone):
        why = await asyncio.wait_for(gone, 20)
    assert frames == LOGS[:2]
    assert "what it sends can't be understood" in str(why)


async def test_a_frame_that_is_missing_is_noticed():
    async with linked(frame_bytes(1, LOGS[0]) + frame_bytes(3, LOGS[2])) as (frames, gone):
        why = await asyncio.wait_for(gone, 20)
    assert frames == LOGS[:1]
    assert "frame 3 after 1" in str(why)


async def test_a_frame_of_gigabytes_is_refused_as_it_is_announced():
    sound = frame_bytes(1, LOGS[0])
    async with linked(sound + b"\xff\xff\xff\xff" + bytes(10_000)) as (frames, gone):
        why = await asyncio.wait_for(gone, 20)
    assert frames == LOGS[:1]
    most = largest_frame(LIMIT)
    assert f"(a frame of 4,294,967,295 bytes, where {most:,} are the most)" in str(why)


async def test_what_a_server_would_not_take_is_refused_here():
    async with httpx.AsyncClient() as http:
        link = Link(http, "http://127.0.0.1:9", "s", [].extend, lambda why: None, LIMIT)
        with pytest.raises(PayloadTooLarge, match=r"a command \(Blob\)") as refused:
            link.send(Blob(1, bytes(LIMIT)))
        assert "session_limit" in refused.value.__notes__[0]
        await link.close()


async def test_a_frame_of_a_newer_server_breaks_nothing():
    unheard = msgspec.msgpack.encode((2, "Unheard", {"of": 1}))
    stream = frame_bytes(1, LOGS[0]) + len(unheard).to_bytes(4, "little") + unheard
    async with linked(stream + frame_bytes(3, LOGS[2])) as (frames, gone):
        async with asyncio.timeout(20):
            while len(frames) < 2:
                await asyncio.sleep(0.01)
        assert not gone.done()
    assert frames == [LOGS[0], LOGS[2]]
