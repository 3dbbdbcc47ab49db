"""What a notebook and the server that it works on say to each other: msgpack, in both directions.

The client sends commands in numbered batches, each of which is obeyed once. The server answers with
one stream of frames, each with a number, from which it can be taken up again. Results and the
arguments of exceptions are pickles that only the client opens.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from nbfaas.errors import NbfaasError
from nbfaas.model import records
from nbfaas.model.failures import ErrorTold
from nbfaas.model.function import Entry
from nbfaas.model.image import ImageSpec
from nbfaas.model.invocation import AttemptStats, InvocationState
from nbfaas.model.manifest import OptionsManifest

# -- commands


class Upload(msgspec.Struct, frozen=True, tag=True):
    """A version of a function of the notebook. ``key`` names it in the session, ``secrets`` are the
    values that its sandboxes get."""

    key: str
    name: str
    version: str
    entry: Entry
    requires: tuple[str, ...]
    filename: str
    takes_context: bool
    options: OptionsManifest
    image: ImageSpec
    secrets: dict[str, str]
    payload: bytes


class Blob(msgspec.Struct, frozen=True, tag=True):
    """A large part of arguments, sent once, to be named by its number."""

    number: int
    data: bytes


class Forget(msgspec.Struct, frozen=True, tag=True):
    """A blob is not needed any more."""

    number: int


class Given(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An invocation: its arguments, or an event and what goes into its control. A part is there
    itself, or as the number of a blob."""

    id: str
    parts: tuple[bytes | int, ...]
    queued_at: float
    run_id: str | None = None
    index: Annotated[int, Meta(ge=0)] | None = None
    chunksize: Annotated[int, Meta(ge=1)] | None = None
    event: dict[str, Any] | None = None


class Submit(msgspec.Struct, frozen=True, tag=True):
    """Invocations of what was uploaded under ``key``, or of what is ``served`` by that name."""

    key: str
    served: bool
    invocations: tuple[Given, ...]


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """Invocations, or a deployment, are not wanted any more."""

    ids: tuple[str, ...]


class Prewarm(msgspec.Struct, frozen=True, tag=True):
    image: ImageSpec


class StopIdle(msgspec.Struct, frozen=True, tag=True):
    """``function``: None for those of all functions."""

    function: str | None


class Supersede(msgspec.Struct, frozen=True, tag=True):
    """A newer version took the place of what was uploaded under ``key``."""

    key: str


class Watch(msgspec.Struct, frozen=True, tag=True):
    """Whether somebody looks at all that the server does, or only at the session's own calls."""

    everything: bool


class Deploy(msgspec.Struct, frozen=True, tag=True):
    """A function that is to be deployed there: what an export holds, but that the manifest (JSON)
    has neither version nor packages, which are the server's to decide. ``sources`` are the files of
    its local modules, by their paths. ``id`` is that of the answer."""

    id: str
    manifest: bytes
    payload: bytes
    sources: dict[str, bytes]
    alias: str | None


class Lead(msgspec.Struct, frozen=True, tag=True):
    """An alias of a deployed function is to lead to a version, and ``weight`` of it to the canary.
    ``version``: None for the one that it leads to already."""

    id: str
    function: str
    alias: str
    version: str | None
    canary: str | None
    weight: float | None


class RollBack(msgspec.Struct, frozen=True, tag=True):
    """An alias of a deployed function is to lead to where it led before."""

    id: str
    function: str
    alias: str


CatalogChange = Deploy | Lead | RollBack
Command = (
    Upload
    | Blob
    | Forget
    | Submit
    | Cancel
    | Prewarm
    | StopIdle
    | Supersede
    | Watch
    | Deploy
    | Lead
    | RollBack
)

# -- frames


class Settled(msgspec.Struct, frozen=True, gc=False):
    """The end of an invocation. ``result`` are the parts of its pickled value. ``failure`` is the
    exception as data, and ``arguments`` its pickled arguments; ``error`` any other end. ``notes``
    are for whoever reads the error."""

    id: str
    version: str
    state: InvocationState
    attempts_made: int
    attempts: tuple[AttemptStats, ...]
    result: tuple[bytes, ...] | None = None
    failure: dict[str, Any] | None = None
    arguments: tuple[bytes, ...] = ()
    error: ErrorTold | None = None
    notes: tuple[str, ...] = ()


class Retrying(msgspec.Struct, frozen=True, gc=False):
    """An attempt has failed, and another one follows."""

    id: str


class DeployedTold(msgspec.Struct, frozen=True):
    """See ``nbfaas.remote.deploy.Deployed``."""

    version: str
    content_hash: str
    image: str
    digest: str
    built: bool
    stages: dict[str, float]


class Answered(msgspec.Struct, frozen=True):
    """What came of a change of the catalog: ``deployed``, or, of an alias, where it leads (``prod →
    v3``), and in words how the function is ``served`` now; or the ``error``, with its ``notes``."""

    id: str
    deployed: DeployedTold | None = None
    alias: str = ""
    served: str = ""
    error: ErrorTold | None = None
    notes: tuple[str, ...] = ()


class Notice(msgspec.Struct, frozen=True, gc=False):
    """A line for the user: what an image that is built is at."""

    text: str


class Dropped(msgspec.Struct, frozen=True, gc=False):
    """So many records were left out, as the client did not take them fast enough."""

    records: int


class Alive(msgspec.Struct, frozen=True, gc=False):
    """There is nothing new."""


class Ended(msgspec.Struct, frozen=True, gc=False):
    """The session is over."""

    reason: str


Frame = Settled | Retrying | Answered | Notice | Dropped | Alive | Ended | records.Record

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        Settled,
        Retrying,
        Answered,
        Notice,
        Dropped,
        Alive,
        Ended,
        records.InvocationQueued,
        records.AttemptStarted,
        records.AttemptFinished,
        records.LogWritten,
        records.InvocationFinished,
        records.SandboxChanged,
        records.EventAccepted,
        records.EventRefused,
        records.DeliveryAttempted,
        records.DeliverySettled,
    )
}
_LENGTH = struct.Struct("<I")
BEAT = 5.0
"""Seconds, at most, between two words of either side to the other, though there be nothing new."""
FRAMING = 16 * 1024 * 1024
"""Bytes of a frame besides a result, at most: an exception as data, figures, notes."""
LARGEST_LIMIT = 2**32 - 1 - FRAMING
"""Bytes that one result may have, since a frame's length has to tell them."""

_encoder = msgspec.msgpack.Encoder()
_head = msgspec.msgpack.Decoder(tuple[int, str, msgspec.Raw])
_decoders = {name: msgspec.msgpack.Decoder(kind) for name, kind in _KINDS.items()}
commands_of = msgspec.msgpack.Decoder(list[Command]).decode
encode = _encoder.encode


class BadStream(NbfaasError):
    """What came is no frame of a session; internal to the connection, which is made anew."""


class FrameTooLarge(BadStream):
    """A frame is announced that has more bytes than one may have; nothing of it was kept."""

    def __init__(self, size: int, most: int) -> None:
        super().__init__(f"a frame of {size:,} bytes, where {most:,} are the most")
        self.size = size
        self.most = most


def largest_frame(limit: int) -> int:
    """The bytes that a frame may have where ``limit`` are those of a result."""
    return min(max(limit, 0), LARGEST_LIMIT) + FRAMING


def frame_bytes(number: int, frame: Frame) -> bytes:
    """A frame with its length in front. ``number``: 0 for one that is never sent again."""
    content = _encoder.encode((number, type(frame).__name__, frame))
    return _LENGTH.pack(len(content)) + content


class FrameReader:
    """Bytes, as they come, to frames. ``largest``: the bytes that one may have."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._unread = bytearray()

    def __repr__(self) -> str:
        return f"<FrameReader {len(self._unread)} bytes unread>"

    def feed(self, data: bytes) -> Iterator[tuple[int, Frame]]:
        """The frames that are complete now, with their numbers. Raises ``BadStream``,
        ``FrameTooLarge``. A frame of a kind that only newer servers have is an ``Alive`` with its
        number."""
        unread = self._unread
        unread += data
        at = 0
        with memoryview(unread) as view:
            while len(unread) - at >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(view, at)
                if length > self._largest:
                    raise FrameTooLarge(length, self._largest)
                end = at + _LENGTH.size + length
                if len(unread) < end:
                    break
                content = bytes(view[at + _LENGTH.size : end])
                at = end
                yield _read(content)
        del unread[:at]


def _read(content: bytes) -> tuple[int, Frame]:
    try:
        number, kind, rest = _head.decode(content)
        decoder = _decoders.get(kind)
        return number, Alive() if decoder is None else decoder.decode(rest)
    except msgspec.MsgspecError as error:
        raise BadStream(f"a frame that can't be read: {error}") from None
