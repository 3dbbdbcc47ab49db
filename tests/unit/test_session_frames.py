"""What servers and connected notebooks say to each other, as bytes."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfaas import errors
from nbfaas.errors import NbfaasError, OutOfMemory, RemoteError, SandboxLost
from nbfaas.model import session
from nbfaas.model.failures import ErrorTold, tell, told
from nbfaas.model.invocation import InvocationState
from nbfaas.model.records import EventRefused, LogWritten
from nbfaas.model.session import (
    Alive,
    BadStream,
    Ended,
    FrameReader,
    FrameTooLarge,
    Settled,
    frame_bytes,
    largest_frame,
)
from nbfaas.server.outbox import Outbox

LOG = LogWritten(1.5, "a-1", 1, 2, b"\x00text")
MOST = largest_frame(1000)
KINDS = [each for each in errors.__all__ if isinstance(getattr(errors, each), type)]
END = Settled("a-1", "v", InvocationState.SUCCEEDED, 1, (), (b"pickle", b"buffer"))


@given(st.lists(st.integers(1, 30)))
def test_frames_are_read_however_the_bytes_are_cut(sizes):
    frames = [LOG, END, Alive(), Ended("over"), EventRefused(2.0, "full")]
    data = b"".join(frame_bytes(number, frame) for number, frame in enumerate(frames))
    reader, found = FrameReader(MOST), []
    for size in [*sizes, len(data)]:
        piece, data = data[:size], data[size:]
        found += reader.feed(piece)
    assert found == list(enumerate(frames))


def test_a_frame_of_a_newer_server_says_nothing_but_its_number_and_nonsense_is_refused():
    content = msgspec.msgpack.encode((3, "Unheard", {"of": 1}))
    data = len(content).to_bytes(4, "little") + content
    assert list(FrameReader(MOST).feed(data + frame_bytes(4, LOG))) == [(3, Alive()), (4, LOG)]
    with pytest.raises(BadStream):
        list(FrameReader(MOST).feed(b"\x03\x00\x00\x00abc"))


@pytest.mark.parametrize("size", [1001, 2**32 - 1])
def test_a_frame_that_is_announced_larger_than_one_may_be_is_refused_before_it_comes(size):
    reader = FrameReader(1000)
    assert list(reader.feed(frame_bytes(1, LOG))) == [(1, LOG)]
    with pytest.raises(FrameTooLarge, match=f"a frame of {size:,} bytes, where 1,000 are the most"):
        list(reader.feed(size.to_bytes(4, "little")))


def test_a_frame_has_room_for_a_result_of_the_limit_and_what_goes_with_it():
    limit = 1024 * 1024
    whole = msgspec.structs.replace(END, result=(bytes(limit),), notes=("note " * 1000,) * 8)
    ((_, read),) = FrameReader(largest_frame(limit)).feed(frame_bytes(1, whole))
    assert read == whole
    assert largest_frame(2**40) == 2**32 - 1
    assert largest_frame(-5) == session.FRAMING


def test_commands_come_back_as_they_were():
    commands = [
        session.Submit("k", False, (session.Given("a-1", (b"args", 7), 1.0, event={"a": 1}),)),
        session.Cancel(("a-1",)),
        session.Blob(7, b"large"),
        session.StopIdle(None),
        session.Watch(True),
    ]
    assert session.commands_of(session.encode(commands)) == commands


def test_a_chunk_of_no_invocation_is_refused():
    submit = session.Submit("k", False, (session.Given("a-1", (), 1.0, chunksize=-3),))
    with pytest.raises(msgspec.ValidationError, match=">= 1"):
        session.commands_of(session.encode([submit]))


def test_what_is_told_of_an_error_replaces_none_of_its_methods():
    forged = {"__notes__": "x", "add_note": 1, "function": "f"}
    found = told(ErrorTold("OutOfMemory", "no memory", forged))
    found.add_note("a note")
    assert (found.function, found.__notes__) == ("f", ["a note"])


def test_errors_keep_their_types_and_attributes():
    error = OutOfMemory("f", "box", 2**20)
    found = told(tell(error))
    assert type(found) is OutOfMemory
    assert isinstance(found, SandboxLost)
    assert (str(found), found.limit, found.sandbox) == (str(error), 2**20, "box")
    assert isinstance(found, MemoryError)
    stranger = told(tell(ZeroDivisionError("by zero")))
    assert type(stranger) is RemoteError
    assert stranger.type_name == "ZeroDivisionError"


@pytest.mark.parametrize("name", KINDS)
def test_every_error_can_be_made_anew(name):
    kind = getattr(errors, name)
    if not issubclass(kind, NbfaasError):
        return
    found = told(ErrorTold(name, "m", {}))
    assert type(found) is kind
    assert str(found) == "m"


# -- what waits for the client


async def take(outbox: Outbox, after: int, count: int) -> list[tuple[int, object]]:
    """That many frames of a stream, which is then left."""
    reader, found = FrameReader(MOST), []
    stream = outbox.stream(after)
    async for chunk in stream:
        found += [each for each in reader.feed(chunk) if each[0]]
        if len(found) >= count:
            break
    await stream.aclose()
    return found


async def test_a_stream_is_taken_up_where_it_broke():
    outbox = Outbox(1000)
    for number in range(5):
        outbox.put(Ended(str(number)))
    first = await take(outbox, 0, 5)
    assert [number for number, _ in first] == [1, 2, 3, 4, 5]
    assert not outbox.streaming
    outbox.put(Ended("5"))
    assert [number for number, _ in await take(outbox, 3, 3)] == [4, 5, 6]
    outbox.acknowledge(6)
    assert "0 frames" in repr(outbox)


async def test_a_later_stream_ends_the_earlier_one():
    outbox = Outbox(1000)
    earlier = outbox.stream(0)
    await anext(earlier)
    later = outbox.stream(0)
    await anext(later)
    with pytest.raises(StopAsyncIteration):
        await anext(earlier)
    assert outbox.streaming
    outbox.put(LOG)
    assert len(await anext(later)) > 10
    await later.aclose()
    assert not outbox.streaming


async def test_records_are_left_out_before_results_are_and_that_is_told():
    outbox = Outbox(10**9)
    record = LogWritten(1.0, "a-1", 1, 1, bytes(1024 * 1024))
    for _ in range(20):
        outbox.put(record, needed=False)
    outbox.put(END)
    found = await take(outbox, 0, 17)
    assert [type(each) for _, each in found] == [LogWritten] * 16 + [Settled]
    outbox.acknowledge(17)
    outbox.put(LOG, needed=False)
    assert [each for _, each in await take(outbox, 17, 2)] == [session.Dropped(4), LOG]


async def test_what_is_larger_than_a_frame_may_be_is_told_without_its_contents(monkeypatch):
    monkeypatch.setattr(session, "FRAMING", 1000)
    outbox = Outbox(1000)
    outbox.put(LogWritten(1.0, "a-1", 1, 1, bytes(3000)))
    outbox.put(msgspec.structs.replace(END, result=(bytes(3000),)))
    (_, dropped), (_, end) = await take(outbox, 0, 2)
    assert dropped == session.Dropped(1)
    assert (end.id, end.state, end.result) == ("a-1", InvocationState.FAILED, None)
    assert isinstance(told(end.error), errors.ResultTooLarge)
    assert "session_limit" in end.error.message


async def test_what_is_never_taken_overflows():
    outbox = Outbox(100)
    outbox.put(LOG)
    assert not outbox.overflows(0.0)
    outbox.put(Ended("x" * 200))
    assert outbox.overflows(0.0)
    assert not outbox.overflows(60.0)
    outbox.acknowledge(1)
    assert not outbox.overflows(60.0)
    outbox.close()
    assert len(await take(outbox, 0, 9)) == 1


async def test_a_quiet_stream_says_that_it_is_there(monkeypatch):
    monkeypatch.setattr("nbfaas.server.outbox.BEAT", 0.01)
    stream = Outbox(100).stream(0)
    chunks = [await asyncio.wait_for(anext(stream), 5) for _ in range(3)]
    assert list(FrameReader(MOST).feed(b"".join(chunks))) == [(0, Alive())] * 3
    await stream.aclose()
