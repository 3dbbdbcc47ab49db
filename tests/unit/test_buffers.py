"""Sealed buffers, their way through the wire, and what a receiver refuses."""

from __future__ import annotations

import fcntl
import os
import socket

import pytest

from nbfaas.agent import wire
from nbfaas.agent.buffers import (
    SMALLEST,
    MappingCache,
    NotSealed,
    SealedBuffer,
    copies,
    seal,
    views,
)
from nbfaas.agent.wire import Codec, Decoder, Frame, Kind, Passing, WireError

DATA = os.urandom(SMALLEST + 5)


def memory_file(size: int) -> int:
    fd = os.memfd_create("test", os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    return fd


def through_a_socket(chunks: list[wire.Chunk], decoder: Decoder) -> list[Frame]:
    """Send chunks through a real socket pair, receive all of it, and decode."""
    here, there = socket.socketpair()
    frames: list[Frame] = []
    with here, there:
        for chunk in chunks:
            if isinstance(chunk, Passing):
                here.sendmsg([chunk.data], wire.passed_descriptors(chunk.buffers))
            else:
                here.sendall(chunk)
        here.shutdown(socket.SHUT_WR)
        while True:
            buffer = decoder.get_buffer()
            received, ancillary, _, _ = there.recvmsg_into([buffer], wire.ANCILLARY)
            if not received:
                return frames
            frames += decoder.advance(received, wire.received_descriptors(ancillary))


def test_a_sealed_buffer_holds_the_bytes_and_can_not_be_changed_by_anybody():
    buffer = SealedBuffer.copy_of(memoryview(DATA))
    assert bytes(buffer.view()) == DATA
    assert buffer.view().readonly
    with pytest.raises(PermissionError):
        os.write(buffer.fileno(), b"x")
    with pytest.raises(PermissionError):
        os.ftruncate(buffer.fileno(), 1)


def test_a_buffer_closes_its_descriptor_when_nobody_holds_it():
    before = SealedBuffer.alive
    buffer = SealedBuffer.copy_of(memoryview(DATA))
    fd = buffer.fileno()
    assert SealedBuffer.alive == before + 1
    del buffer
    assert SealedBuffer.alive == before
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_only_large_parts_are_sealed_and_without_descriptors_they_are_copied():
    small, large = memoryview(b"x"), memoryview(DATA)
    sealed = seal([small, large])
    assert sealed[0] is small
    assert isinstance(sealed[1], SealedBuffer)
    copied = seal([large], spare=10**9)
    assert type(copied[0]) is bytes
    assert list(map(bytes, views([*sealed, *copied]))) == [b"x", DATA, DATA]


def test_a_copy_of_a_sealed_part_can_be_written_to_and_outlives_the_file():
    (sealed,) = seal([memoryview(DATA)])
    before = SealedBuffer.alive
    small, copy = copies([b"x", sealed])
    assert small == b"x"
    assert copy == DATA
    copy[:3] = b"abc"
    assert bytes(sealed.view()[:3]) == DATA[:3]
    del sealed
    assert SealedBuffer.alive == before - 1
    assert bytes(copy[:3]) == b"abc"
    assert copy[3:] == DATA[3:]


def test_a_file_that_holds_less_than_it_was_said_to_can_not_be_copied():
    short = SealedBuffer.received(memory_file(100), 200, trusting=True)
    with pytest.raises(NotSealed, match="ends after 100 bytes of 200"):
        short.copy()


def test_a_frame_carries_sealed_parts_between_others():
    buffer = SealedBuffer.copy_of(memoryview(DATA))
    chunks = wire.encode(Kind.RESULT, 7, Codec.PICKLE, b"control", [b"first", buffer, b"last"])
    (frame,) = through_a_socket(chunks, Decoder())
    assert (frame.kind, frame.call, frame.control) == (Kind.RESULT, 7, b"control")
    assert [bytes(view) for view in views(frame.parts)] == [b"first", DATA, b"last"]
    assert wire.total(frame.parts) == len(DATA) + 9


def test_a_lone_sealed_part_and_many_frames_keep_their_buffers_apart():
    buffers = [SealedBuffer.copy_of(memoryview(bytes([i]) * SMALLEST)) for i in range(5)]
    chunks = [c for i, b in enumerate(buffers) for c in wire.encode(Kind.INVOKE, i, 1, b"", [b])]
    frames = through_a_socket(chunks, Decoder())
    assert [bytes(views(frame.parts)[0][:1]) for frame in frames] == [bytes([i]) for i in range(5)]


@pytest.mark.parametrize("seals", [0, 2, 8, 2 | 4, 4 | 8])
def test_a_memory_file_that_could_still_change_is_refused(seals):
    fd = memory_file(100)
    fcntl.fcntl(fd, 1033, seals)
    with pytest.raises(NotSealed):
        SealedBuffer.received(fd, 100)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_another_size_than_said_and_other_kinds_of_file_are_refused(tmp_path):
    fd = memory_file(100)
    fcntl.fcntl(fd, 1033, 15)
    with pytest.raises(NotSealed, match="of 100 bytes"):
        SealedBuffer.received(fd, 101)
    with pytest.raises(NotSealed):
        SealedBuffer.received(os.open(tmp_path, os.O_RDONLY), 0)


def test_a_part_whose_descriptor_did_not_come_is_a_broken_protocol():
    (passing,) = wire.encode(Kind.RESULT, 1, 1, b"", [SealedBuffer.copy_of(memoryview(DATA))])
    assert isinstance(passing, Passing)
    with pytest.raises(WireError, match="descriptor"):
        through_a_socket([passing.data], Decoder())


def test_what_a_frame_says_of_memory_files_counts_against_the_limit():
    chunks = wire.encode(Kind.RESULT, 1, 1, b"", [SealedBuffer.copy_of(memoryview(DATA))])
    with pytest.raises(WireError, match="limit"):
        through_a_socket(chunks, Decoder(max_body=SMALLEST))


def test_descriptors_that_no_frame_speaks_of_are_closed():
    decoder = Decoder()
    fds = [memory_file(1) for _ in range(3)]
    decoder.advance(0, fds)
    del decoder
    for fd in fds:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)
    many = Decoder()
    with pytest.raises(WireError, match="descriptors"):
        many.advance(0, [memory_file(1) for _ in range(2 * wire.MAX_PARTS + 1)])


def test_the_same_file_is_mapped_once_however_often_it_comes():
    buffer = SealedBuffer.copy_of(memoryview(DATA))
    cache = MappingCache()
    again = SealedBuffer.received(os.dup(buffer.fileno()), buffer.size)
    assert cache.view(buffer) is cache.view(again)
    other = SealedBuffer.copy_of(memoryview(DATA))
    assert cache.view(other) is not cache.view(buffer)
