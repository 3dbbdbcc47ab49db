"""Plain data (numbers, strings, containers), read by the C unpickler with every global refused.

That is quick, and bytes from a hostile sandbox could make it take for ever, or end the process:
nested tuples that are shared take exponential time to hash, or more C stack than there is. So the
opcodes are looked at first, by a regular expression that is about as quick as the unpickler: it
lets through what honest results mostly are. The rest is for the checked unpickler, which weighs.
"""

from __future__ import annotations

import functools
import io
import pickle
import re
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from nbfaas.agent.wire import Bytes
from nbfaas.packager.unpickler import Damaged


class NotPlain(Exception):
    """The pickle is for the checked unpickler."""


def load_plain(data: Bytes, buffers: Sequence[Bytes]) -> Any:
    """Raises ``NotPlain``, ``Damaged``, or anything that a damaged pickle makes the unpickler
    raise."""
    if len(data) <= _SMALL and _is_harmless(data, _linear_tuples()):
        if _GLOBAL.search(data) is None:
            return pickle.loads(data, buffers=buffers)
        file: Any = io.BytesIO(data) if _is_one_frame(data) else _FramedFile(bytes(data))
    elif _is_harmless(data, _flat_tuples()):
        file = _PacedFile(bytes(data))
    elif _is_harmless(data, _nothing_hashed()):
        file = _FramedFile(bytes(data))
    else:
        raise NotPlain
    return _PlainUnpickler(file, buffers=buffers).load()


# The bytes of all opcodes that look something up by name: GLOBAL, INST, STACK_GLOBAL, EXT1 to EXT4.
# What has none of them, not even in a string, needs no unpickler that refuses; that is three times
# as quick.
_GLOBAL = re.compile(rb"[ci\x93\x82-\x84]")


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> NoReturn:
        raise NotPlain


def _any_of(*tokens: bytes) -> bytes:
    return b"(?:" + b"|".join(tokens) + b")"


_SHORT = 96  # strings of this length and more are stepped over one by one


def _short() -> bytes:
    """A length of one byte, and as many bytes. In groups, as alternatives are tried in turn."""
    groups = []
    for start in range(0, _SHORT, 32):
        each = [b"\\x%02x.{%d}" % (length, length) for length in range(start, start + 32)]
        groups.append(b"(?=[\\x%02x-\\x%02x])" % (start, start + 31) + _any_of(*each))
    return _any_of(*groups)


_FRAME = rb"\x95..[\0-\2]\0{5}"  # below 192 KB
# NONE, NEWTRUE, NEWFALSE, EMPTY_TUPLE; BININT1, BININT2, BININT; BINFLOAT; short strings, bytes and
# integers. MEMOIZE is taken with what is memoized; a FRAME may end after any of them.
_END = rb"\x94?+(?:%b)?+" % _FRAME
_PLAIN = (rb"K.", rb"G.{8}", rb"[\x8cC\x8a]" + _short(), rb"[N\x88\x89)]", rb"M..", rb"J.{4}")
_ATOM = _any_of(*_PLAIN) + _END
_GET = rb"(?:h.|j.{4})(?:%b)?+" % _FRAME  # BINGET, LONG_BINGET
# EMPTY_LIST, EMPTY_DICT, EMPTY_SET; APPEND(S), buffers; PROTO.
_OTHER = (rb"[\]}\x8f]" + _END, rb"[ae\x97\x98]", rb"\x80[\4\5]", _FRAME)
_HASHING = rb"[su\x90]"  # SETITEM(S), ADDITEMS
_MAX_FLAT = 100


def _tokens(*tokens: bytes) -> re.Pattern[bytes]:
    return re.compile(_any_of(*tokens) + rb"*+", re.DOTALL)


def _spelled(pattern: bytes) -> bytes:
    """``pattern`` in short: a for an atom, g for a GET, 1 for TUPLE1, 2 for that or TUPLE2, 3 for
    these or TUPLE3. A tuple takes the last things before it, and none from below a MARK."""
    of = {b"a": _any_of(_ATOM), b"g": _GET, b" ": b""}
    of |= {b"%d" % n: rb"(?:[\x85-\x%02x]%b)" % (0x84 + n, _END) for n in (1, 2, 3)}
    return b"".join(of.get(bytes([each]), bytes([each])) for each in pattern)


# They are compiled at their first use: that takes some 10 ms each, which not every start can spare.


@functools.cache
def _flat_tuples() -> re.Pattern[bytes]:
    """Tuples of atoms only."""
    return _tokens(
        _spelled(b"a(?: 1 | a(?: 2 | a++ 3?+ )?+ )?+"),
        rb"\((?:%b){0,%d}+(?:[t\x91\x85-\x87]%b)?+" % (_ATOM, _MAX_FLAT, _END),
        _HASHING, _GET, *_OTHER,
    )  # fmt: skip


@functools.cache
def _linear_tuples() -> re.Pattern[bytes]:
    """Tuples of atoms and one GET, perhaps of such a tuple. They get no more than their size
    together."""
    return _tokens(
        _spelled(
            b"a(?: 1 | g(?: 2 | a(?: 3 | a 3 ))?+"
            b" | a(?: 2 | g(?: 3 | a 3 )?+ | a++(?: 3 | g 3 )?+ )?+ )?+"
        ),
        _spelled(b"g(?: 1 | a 2 | a a 3 )?+"),
        rb"\((?:%b){0,%d}+(?:[t\x91\x85-\x87]%b|%b(?:%b){0,%d}+t%b)?+"
        % (_ATOM, _MAX_FLAT, _END, _GET, _ATOM, _MAX_FLAT, _END),
        _HASHING, *_OTHER,
    )  # fmt: skip


@functools.cache
def _nothing_hashed() -> re.Pattern[bytes]:
    """Containers that hash nothing."""
    return _tokens(_spelled(b"a++"), rb"[(t\x85-\x87]" + _END, _GET, *_OTHER)


_SPARE_TUPLES = 2
_TUPLES = (0x85, 0x86, 0x87)
# Of strings, bytes and integers, the width of their lengths; BYTEARRAY8.
_SIZED = {0x8C: 1, 0x43: 1, 0x8A: 1, 0x58: 4, 0x42: 4, 0x8D: 8, 0x8E: 8, 0x96: 8}
_STOP, _MEMOIZE = 0x2E, b"\x94"


def _is_harmless(data: Bytes, tokens: re.Pattern[bytes]) -> bool:
    """Whether ``data`` consists of ``tokens``, longer strings, and a few tuples of any things."""
    position, size, spare = 0, len(data), _SPARE_TUPLES
    while True:
        found = tokens.match(data, position)
        position = size if found is None else found.end()
        if position >= size:
            return False
        opcode = data[position]
        if opcode == _STOP:
            return True
        width = _SIZED.get(opcode)
        if width is not None:
            start = position + 1 + width
            position = start + int.from_bytes(data[position + 1 : start], "little")
        elif opcode in _TUPLES and spare > 0:
            spare -= 1
            position += 1
        else:
            return False
        position += data[position : position + 1] == _MEMOIZE


# Keys can be made to collide, and then take quadratic time; so can chains of tuples. This size
# takes less than a second at worst.
_SMALL = 32 * 1024
_GRACE = 1.0  # seconds of processor time
_PER_BYTE = 1e-6  # a hundred times what is usual


def _is_one_frame(data: Bytes) -> bool:
    """As it is of most small pickles. It is read at once, and as the tokens say."""
    size = len(data)
    if size < 11 or data[0] != 0x80 or data[2] != 0x95:
        return False
    return int.from_bytes(data[3:11], "little") == size - 11


class _FramedFile:
    """The pickle, as a file. Of a frame that ends within an opcode the C unpickler forgets the
    rest, and goes on behind it, so that it would find other opcodes than were looked at: a read
    that begins at a frame's end has to be that of an opcode."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._position = 0
        self._stage = 0  # of a frame: 1, its opcode was read, perhaps; 2, its length; 3, all of it

    def read(self, size: int) -> bytes:
        if self._stage == 3 and size != 1:
            raise Damaged("a frame that ends within an opcode")
        part = bytes(self._next(size))
        if self._stage == 2 or (self._stage == 1 and size == 8):
            self._stage += 1
        else:
            self._stage = int(part == b"\x95")
        return part

    def readinto(self, target: Any) -> int:
        part = self._next(len(target))
        memoryview(target)[: len(part)] = part
        self._stage = 0
        return len(part)

    def readline(self) -> NoReturn:
        raise Damaged("an opcode of an older protocol")

    def _next(self, size: int) -> memoryview:
        part = self._data[self._position : self._position + size]
        self._position += len(part)
        return part


class _PacedFile(_FramedFile):
    """It is read a frame at a time, and not on when that has taken too long so far."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._started = time.thread_time()

    def _next(self, size: int) -> memoryview:
        if time.thread_time() - self._started > _GRACE + _PER_BYTE * self._position:
            raise Damaged("keys of a dict or a set in it collide, as if chosen to")
        return super()._next(size)
