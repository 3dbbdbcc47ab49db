"""The wire protocol between the host and an agent: frames, without any I/O.

One connection carries frames in both directions. The agent always dials the host. A frame is

====================  ======  ===========================================================
field                 bytes   meaning
====================  ======  ===========================================================
version               1       ``PROTOCOL``
kind                  1       a ``Kind``
codec                 1       a ``Codec`` for the parts; in LOG frames the stream (1 or 2)
parts                 1       number of parts; 0 means "one part, no table"
control length        4       bytes of control
call                  8       the number of the invocation (or of the load) this frame is about
body length           8       bytes that follow the control: part table, then the parts
====================  ======  ===========================================================

all little endian, then ``control``, then the body. With ``parts > 0`` the body starts with a table
of one unsigned 64-bit length for each part; the first part is the pickle, the others are its
out-of-band buffers (PEP 574). An entry with its top bit set is not in the body: it is a sealed
memory file of that length (see ``nbfaas.agent.buffers``), whose descriptor came with the frame
(SCM_RIGHTS, in the order of the table). A transport that can't pass descriptors carries every
part in the body.

Control is JSON, except that RESULT and FAILURE begin with a packed ``STATS``; neither side ever
unpickles control. An agent in another language needs this module's docstring and nothing else:

=========  ==============  ====================================================================
kind       direction       control; body
=========  ==============  ====================================================================
HELLO      agent → host    {nonce, protocol, python: [3, 11, 7], pid}
WELCOME    host → agent    {log_limit, result_limit}; or the page of ``nbfaas.agent.claims``
SECRETS    host → agent    – ; {name: value} as JSON. Before the LOAD, and only if there are any
LOAD       host → agent    {function, version, entry, isolation, env, requires, cpu,
                           memory, filename}; the payload
LOADED     agent → host    {seconds}
INVOKE     host → agent    – or, for handlers, {id, attempt, timeout, cold_start}; the arguments
                           (PICKLE). For events also {trigger} and, if need be, {traceparent,
                           deadline}; the event (JSON, in the format of CloudEvents)
STATE      agent → host    {id, op, …} (see ``nbfaas.agent.state``); values, and an empty part
STATE_     host → agent    {id, …}, likewise
REPLY
REVOKED    agent → host    – ; it was not started, and will not be (see ``nbfaas.agent.claims``)
LOG        agent → host    – ; a chunk of what the invocation wrote, codec = stream
RESULT     agent → host    STATS; the return value
FAILURE    agent → host    STATS + JSON (see ``nbfaas.agent.failure``); the exception's args
PING       host → agent    –
PONG       agent → host    –
=========  ==============  ====================================================================

Invocations are run one at a time, in the order they were sent, and answered by exactly one RESULT,
FAILURE or REVOKED each. While one runs it may send STATE, one after the other; the replies come in
among other frames, in the order of the requests. A LOAD that fails is answered by a FAILURE with
the load's number, and nothing that was sent behind it is answered.
"""

from __future__ import annotations

import array
import mmap
import os
import socket
import struct
from collections import deque
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from nbfaas.agent.buffers import Bytes as Bytes
from nbfaas.agent.buffers import NotSealed, SealedBuffer

PROTOCOL = 1
HEADER = struct.Struct("<BBBBIQQ")
# started (ns since the epoch, the agent's clock), wall ns, user µs, system µs, peak memory in bytes
STATS = struct.Struct("<QQQQQ")
_LENGTH = 8  # bytes of an entry of the part table
_OUTSIDE = 1 << 63

MAX_CONTROL = 4 * 1024 * 1024
MAX_BODY = 4 * 1024 * 1024 * 1024
MAX_PARTS = 250  # the kernel passes at most 253 descriptors at once (SCM_MAX_FD)
_READ_SIZE = 256 * 1024
# A body that needs more than this is received straight into a buffer of its own size.
_DIRECT = 64 * 1024


class Kind(IntEnum):
    HELLO = 1
    WELCOME = 2
    LOAD = 3
    LOADED = 4
    INVOKE = 5
    REVOKED = 6
    LOG = 7
    RESULT = 8
    FAILURE = 9
    PING = 10
    PONG = 11
    SECRETS = 12
    STATE = 13
    STATE_REPLY = 14


class Codec(IntEnum):
    NONE = 0
    PICKLE = 1  # pickle protocol 5, buffers out of band as further parts
    JSON = 2


# What each call needs: in Python 3.11 ``Kind.RESULT`` takes ten times as long as this.
INVOKE, RESULT, PICKLE = Kind.INVOKE, Kind.RESULT, Codec.PICKLE
_LAST_KIND = max(Kind)


class WireError(Exception):
    """The other side sent bytes that are not the protocol; the connection is of no further use."""


Part = Bytes | SealedBuffer


class Passing(NamedTuple):
    """Bytes to be written together with the descriptors of ``buffers`` (``sendmsg``)."""

    data: bytes
    buffers: tuple[SealedBuffer, ...]


Chunk = Bytes | Passing


class Frame(NamedTuple):
    """A received frame; ``kind`` is one of ``Kind``."""

    kind: int
    call: int
    codec: int
    control: bytes
    parts: tuple[Part, ...]


def encode(
    kind: int,
    call: int = 0,
    codec: int = 0,
    control: bytes = b"",
    parts: Sequence[Part] = (),
) -> list[Chunk]:
    """Return the frame as a list of chunks, to be written one after the other.

    Small frames come back as one string, so that they cost one write; large parts are not copied.
    """
    if len(parts) <= 1:
        body = parts[0] if parts else b""
        if not isinstance(body, SealedBuffer):
            size = len(body) if type(body) is bytes else memoryview(body).nbytes
            head = HEADER.pack(PROTOCOL, kind, codec, 0, len(control), call, size)
            if size <= _DIRECT:
                return [b"".join((head, control, body))]
            return [head + control, body]
    if len(parts) > MAX_PARTS:
        raise WireError(f"a frame has at most {MAX_PARTS} parts, not {len(parts)}")
    inside: list[Bytes] = []
    outside: list[SealedBuffer] = []
    table: list[int] = []
    for part in parts:
        if isinstance(part, SealedBuffer):
            outside.append(part)
            table.append(part.size | _OUTSIDE)
        else:
            inside.append(part)
            table.append(memoryview(part).nbytes)
    size = _LENGTH * len(table) + total(inside)
    head = HEADER.pack(PROTOCOL, kind, codec, len(table), len(control), call, size)
    head += control + struct.pack(f"<{len(table)}Q", *table)
    if outside:
        return [Passing(head, tuple(outside)), *inside]
    return [head, *inside]


def joined(chunks: list[Chunk]) -> list[Chunk]:
    """The chunks of many small frames as one string, to cost one write; others as they are."""
    if len(chunks) > 1 and all(type(chunk) is bytes and len(chunk) <= _DIRECT for chunk in chunks):
        return [b"".join(chunks)]  # type: ignore[arg-type]
    return chunks


class Decoder:
    """Turns received bytes into frames; the receiver writes into ``get_buffer()``.

    ``max_body`` bounds what the other side may make this side allocate, in bytes. ``trusting``:
    memory files that come with frames need not be sealed.
    """

    def __init__(self, max_body: int = MAX_BODY, *, trusting: bool = False) -> None:
        self._trusting = trusting
        self._max_body = max_body
        self._buffer = bytearray(_READ_SIZE)
        self._view = memoryview(self._buffer)
        self._start = 0
        self._end = 0
        self._needed = HEADER.size  # unread bytes; with fewer there is nothing new to be found
        self._large: tuple[int, int, int, int, bytes] | None = None
        self._body = memoryview(b"")
        self._filled = 0
        self._descriptors: deque[int] = deque()

    def __repr__(self) -> str:
        if self._large is not None:
            return f"<Decoder receiving a body, {self._filled} of {len(self._body)} bytes>"
        return f"<Decoder {self._end - self._start} bytes unread>"

    def get_buffer(self) -> memoryview:
        """Where to receive to. Never empty."""
        if self._large is not None:
            return self._body[self._filled :]
        return self._view[self._end :]

    def __del__(self) -> None:
        self._close_descriptors()

    def _close_descriptors(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.popleft())

    def advance(self, received: int, descriptors: Sequence[int] = ()) -> list[Frame]:
        """Account for ``received`` bytes in the buffer, and for the ``descriptors`` that came with
        them; return the frames now complete.

        Raises ``WireError`` for anything that is not the protocol.
        """
        if descriptors:
            self._descriptors.extend(descriptors)
            if len(self._descriptors) > 2 * MAX_PARTS:
                self._close_descriptors()
                raise WireError("descriptors that no frame speaks of")
        frames: list[Frame] = []
        if self._large is not None:
            self._filled += received
            if self._filled < len(self._body):
                return frames
            kind, call, codec, nparts, control = self._large
            parts = self._split(self._body, nparts)
            frames.append(Frame(kind, call, codec, control, parts))
            self._large, self._body, self._filled = None, memoryview(b""), 0
            return frames
        self._end += received
        start, end, view = self._start, self._end, self._view
        data = b""
        if end - start >= self._needed:
            data = view[start:end].tobytes()  # slices of bytes take a third of a view's time
            self._needed = HEADER.size
        at, size = 0, len(data)
        while size - at >= HEADER.size:
            version, kind, codec, nparts, clen, call, blen = HEADER.unpack_from(data, at)
            if version != PROTOCOL or not 1 <= kind <= _LAST_KIND:
                junk = data[at : at + HEADER.size]
                raise WireError(f"not a frame of protocol {PROTOCOL}: {junk!r}")
            if clen > MAX_CONTROL or blen > self._max_body:
                raise WireError(
                    f"a {Kind(kind).name} frame of {clen} + {blen} bytes exceeds the limit of "
                    f"{MAX_CONTROL} + {self._max_body}"
                )
            if nparts > MAX_PARTS:
                raise WireError(f"a frame has at most {MAX_PARTS} parts, not {nparts}")
            body_at = at + HEADER.size + clen
            if size >= body_at + blen:
                control = data[at + HEADER.size : body_at]
                at = body_at + blen
                body = data[body_at:at]
                parts = (body,) if not nparts else self._split(memoryview(body), nparts)
                frames.append(Frame(kind, call, codec, control, parts))
                continue
            if size >= body_at and blen > _DIRECT:
                self._large = (kind, call, codec, nparts, data[at + HEADER.size : body_at])
                # Not a bytearray, which would be written all over: the pages of a mapping are taken
                # as they are filled, so that who announces a gigabyte has to send it first.
                self._body = memoryview(mmap.mmap(-1, blen, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
                self._filled = size - body_at
                self._body[: self._filled] = data[body_at:]
                at = size
            else:
                self._needed = body_at - at + (blen if blen <= _DIRECT else 0)
            break
        start += at
        if start == end:
            start = end = 0
        elif len(view) - end < _DIRECT and start:
            # Move the unread rest to the front, so that there is room to receive to.
            rest = bytes(view[start:end])
            view[: len(rest)] = rest
            start, end = 0, len(rest)
        if end == len(view):
            # Only a control of hundreds of kilobytes fills the buffer; MAX_CONTROL bounds this.
            self._grow(2 * len(view))
        self._start, self._end = start, end
        return frames

    def _split(self, body: memoryview, nparts: int) -> tuple[Part, ...]:
        """The parts that the table at the start of ``body`` speaks of."""
        if not nparts:
            return (body,)
        at = nparts * _LENGTH
        if at > len(body):
            raise WireError(f"a table of {nparts} parts does not fit a body of {len(body)} bytes")
        table = struct.unpack_from(f"<{nparts}Q", body)
        inside = sum(size for size in table if size < _OUTSIDE)
        everything = sum(size & ~_OUTSIDE for size in table)
        if at + inside != len(body):
            raise WireError(f"parts of {inside} bytes do not fill a body of {len(body)} bytes")
        if everything > self._max_body:
            raise WireError(f"parts of {everything} bytes exceed the limit of {self._max_body}")
        parts: list[Part] = []
        for size in table:
            if size >= _OUTSIDE:
                parts.append(self._take_buffer(size & ~_OUTSIDE))
            else:
                parts.append(body[at : at + size])
                at += size
        return tuple(parts)

    def _take_buffer(self, size: int) -> SealedBuffer:
        if not self._descriptors:
            raise WireError("a part whose descriptor did not come with the frame")
        try:
            descriptor = self._descriptors.popleft()
            return SealedBuffer.received(descriptor, size, trusting=self._trusting)
        except NotSealed as error:
            raise WireError(str(error)) from None

    def _grow(self, size: int) -> None:
        bigger = bytearray(size)
        bigger[: len(self._buffer)] = self._buffer
        self._buffer, self._view = bigger, memoryview(bigger)


def total(parts: Sequence[Part]) -> int:
    """The size of ``parts`` in bytes."""
    if len(parts) == 1 and type(only := parts[0]) is bytes:
        return len(only)
    return sum(
        part.size if isinstance(part, SealedBuffer) else memoryview(part).nbytes for part in parts
    )


def received_descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    """The descriptors among what ``recvmsg`` returned as ancillary data."""
    found = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return found.tolist()


def passed_descriptors(buffers: Sequence[SealedBuffer]) -> list[tuple[int, int, array.array[int]]]:
    """The ancillary data that passes ``buffers``, for ``sendmsg``."""
    fds = array.array("i", [buffer.fileno() for buffer in buffers])
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]


ANCILLARY = socket.CMSG_SPACE(MAX_PARTS * array.array("i").itemsize)
"""Room for ancillary data that a receiver has to offer."""
