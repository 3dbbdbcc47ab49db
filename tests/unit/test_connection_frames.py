"""SocketConnection over a real socket pair."""

import asyncio
import resource
import socket
import time

import pytest

from nbfaas.agent import wire
from nbfaas.agent.wire import Decoder, Frame, Kind, WireError
from nbfaas.backends.connection import SocketConnection


class Pair:
    """A connection, and the agent's end of it as a plain non-blocking socket."""

    def __init__(self, max_body: int = wire.MAX_BODY) -> None:
        host, self.agent = socket.socketpair()
        self.agent.setblocking(False)
        self.loop = asyncio.get_running_loop()
        self.connection = SocketConnection(host, self.loop, max_body=max_body)
        self.frames: list[Frame] = []
        self.lost: list[Exception | None] = []
        self.connection.on_lost = self.lost.append

    def listen(self) -> None:
        self.connection.on_frame = self.frames.append

    async def say(self, *chunks: bytes) -> None:
        for chunk in chunks:
            await self.loop.sock_sendall(self.agent, chunk)

    async def heard(self, count: int) -> list[Frame]:
        decoder, frames = Decoder(), []
        while len(frames) < count:
            received = await self.loop.sock_recv_into(self.agent, decoder.get_buffer())
            assert received
            frames += decoder.advance(received)
        return frames

    async def until(self, condition) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.005)

    def close(self) -> None:
        self.connection.close()
        self.agent.close()


@pytest.fixture
async def pair():
    pair = Pair()
    yield pair
    pair.close()


async def test_frames_arrive_in_order_even_when_cut_into_single_bytes(pair):
    pair.listen()
    stream = b"".join(b"".join(wire.encode(Kind.LOG, call=i, parts=[b"x" * i])) for i in range(20))
    for i in range(len(stream)):
        await pair.say(stream[i : i + 1])
    await pair.until(lambda: len(pair.frames) == 20)
    assert [(f.call, f.parts[0]) for f in pair.frames] == [(i, b"x" * i) for i in range(20)]


async def test_what_was_sent_before_anyone_listened_is_not_missed(pair):
    await pair.say(*wire.encode(Kind.PONG, call=7))
    pair.agent.close()
    await asyncio.sleep(0.02)
    assert pair.lost == []
    pair.listen()
    await pair.until(lambda: pair.lost)
    assert [f.call for f in pair.frames] == [7]
    assert pair.lost == [None]


async def test_more_than_the_socket_holds_is_written_as_the_agent_reads(pair):
    pair.listen()
    body = bytes(range(256)) * 40_000
    for call in range(4):
        pair.connection.send(wire.encode(Kind.INVOKE, call, parts=[body, body[:99], b""]))
    pair.connection.send(wire.encode(Kind.PING, 99))
    assert pair.connection.queued > 30_000_000
    frames = await pair.heard(5)
    assert [f.call for f in frames] == [0, 1, 2, 3, 99]
    assert all([bytes(p) for p in f.parts] == [body, body[:99], b""] for f in frames[:4])
    assert pair.connection.queued == 0


async def test_a_large_body_is_received_whole(pair):
    pair.listen()
    body = bytes(range(256)) * 100_000
    await pair.say(*wire.encode(Kind.RESULT, 1, parts=[body]))
    await pair.until(lambda: pair.frames)
    assert pair.frames[0].parts[0] == body


async def test_junk_is_reported_as_a_wire_error_and_closes(pair):
    pair.listen()
    await pair.say(b"GET / HTTP/1.1\r\nHost: nowhere.example\r\n\r\n")
    await pair.until(lambda: pair.lost)
    assert isinstance(pair.lost[0], WireError)
    assert "lost" in repr(pair.connection)
    assert await pair.loop.sock_recv(pair.agent, 1) == b""


async def test_a_body_beyond_the_limit_is_refused_before_it_is_received():
    pair = Pair(max_body=1000)
    pair.listen()
    await pair.say(wire.encode(Kind.RESULT, 1, parts=[b"x" * 1001])[0][:40])
    await pair.until(lambda: pair.lost)
    assert "limit" in str(pair.lost[0])
    pair.close()


async def test_an_exception_in_the_handler_is_reported_and_not_swallowed(pair):
    def fail(frame):
        raise KeyError(frame.call)

    pair.connection.on_frame = fail
    await pair.say(*wire.encode(Kind.PONG, 5), *wire.encode(Kind.PONG, 6))
    await pair.until(lambda: pair.lost)
    assert isinstance(pair.lost[0], WireError)
    assert isinstance(pair.lost[0].__cause__, KeyError)
    assert len(pair.lost) == 1


async def test_what_the_agent_wrote_before_its_end_is_delivered_before_the_loss(pair):
    await pair.say(*wire.encode(Kind.RESULT, 1, parts=[b"last words"]))
    pair.agent.close()
    pair.connection.send(wire.encode(Kind.INVOKE, 2))  # broken pipe
    pair.connection.send(wire.encode(Kind.INVOKE, 3))
    pair.listen()
    await pair.until(lambda: pair.lost)
    assert [f.parts[0] for f in pair.frames] == [b"last words"]
    assert pair.lost == [None]


async def test_the_loss_is_reported_once_and_sending_then_does_nothing(pair):
    pair.listen()
    pair.connection.send(wire.encode(Kind.INVOKE, 1, parts=[bytes(10_000_000)]))
    pair.agent.close()
    await pair.until(lambda: pair.lost)
    pair.connection.send(wire.encode(Kind.PING))
    await asyncio.sleep(0.02)
    assert pair.lost == [None]
    assert pair.connection.queued == 0


async def test_closing_it_oneself_is_not_reported_as_a_loss(pair):
    pair.listen()
    pair.connection.close()
    pair.connection.close()
    await asyncio.sleep(0.02)
    assert pair.lost == []
    assert await pair.loop.sock_recv(pair.agent, 1) == b""


async def test_closing_within_a_handler_stops_the_delivery_of_later_frames(pair):
    seen = []

    def take_one(frame):
        seen.append(frame.call)
        pair.connection.close()

    await pair.say(*wire.encode(Kind.PONG, 1), *wire.encode(Kind.PONG, 2))
    pair.connection.on_frame = take_one
    await pair.until(lambda: seen)
    await asyncio.sleep(0.02)
    assert seen == [1]
    assert pair.lost == []


async def test_a_connection_that_never_stops_leaves_time_for_others(pair):
    import threading

    pair.listen()
    stop = threading.Event()
    flood = b"".join(wire.encode(Kind.LOG, 1, parts=[bytes(4000)])) * 50

    def write() -> None:
        pair.agent.setblocking(True)
        try:
            while not stop.is_set():
                pair.agent.sendall(flood)
        except OSError:
            pass

    thread = threading.Thread(target=write)
    thread.start()
    turns = 0
    async with asyncio.timeout(20):
        while turns < 50 or len(pair.frames) < 1000:
            await asyncio.sleep(0)
            turns += 1
    stop.set()
    pair.connection.close()
    await asyncio.to_thread(thread.join)


async def test_its_repr_tells_state_and_amounts(pair):
    pair.listen()
    pair.connection.send([b"x" * 2048])
    assert repr(pair.connection) == ("<SocketConnection agent open, in 0 B, out 2 KB, queued 0 B>")


async def test_who_announces_much_and_sends_little_costs_little_memory(pair):
    def resident() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    pair.listen()
    before = resident()
    await pair.say(
        wire.HEADER.pack(wire.PROTOCOL, Kind.RESULT, 1, 0, 0, 1, 1 << 30), b"x" * 100_000
    )
    await pair.until(lambda: "of 1073741824 bytes" in repr(pair.connection._decoder))
    assert resident() - before < 100 << 20
    assert pair.lost == []


async def test_a_long_frame_that_comes_in_small_pieces_is_not_looked_through_again_for_each():
    control = bytes(wire.MAX_CONTROL)
    rest = wire.encode(Kind.LOG, control=control)
    stream, decoder, frames = memoryview(b"".join(rest)), Decoder(), []
    pieces = [min(len(stream) - 8000, 200_000)] * (len(stream) // 200_000) + [1] * 8000
    pieces.append(len(stream) - sum(pieces))
    began = time.process_time()
    for piece in pieces:
        while piece:
            room = decoder.get_buffer()
            size = min(piece, len(room))
            room[:size], stream, piece = stream[:size], stream[size:], piece - size
            frames += decoder.advance(size)
    assert [len(frame.control) for frame in frames] == [wire.MAX_CONTROL]
    assert time.process_time() - began < 1.0  # copying what is there for each takes some 3 s
