"""Large buffers in sealed memory files (``memfd_create(2)``), passed as descriptors.

The sender copies a buffer into the file once and seals it; every receiver maps it. A sealed file
can be neither changed nor truncated by anybody, so a receiver may map what an untrusted sender
sent. An unsealed one could be cut short while it is read, which kills the reader (SIGBUS).
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import resource
from collections import OrderedDict
from collections.abc import Sequence

Bytes = bytes | bytearray | memoryview

SMALLEST = 256 * 1024
"""Bytes; below this, copying through the socket is as quick as two descriptors and a mapping."""

# <linux/fcntl.h>; the fcntl module has the names only from Python 3.12 on some builds.
F_ADD_SEALS, _F_GET_SEALS = 1033, 1034
_SEAL, _SHRINK, _GROW, _WRITE = 1, 2, 4, 8
SEAL_SIZE = _SEAL | _SHRINK | _GROW
_SEALS = SEAL_SIZE | _WRITE
_COPY_AT_ONCE = 64 * 1024 * 1024
_MAPPINGS_KEPT = 8


def seal(parts: Sequence[Bytes | SealedBuffer], spare: int = 0) -> list[Bytes | SealedBuffer]:
    """The parts, with the large ones copied into sealed buffers. Where no more descriptors can be
    had, or no more than ``spare`` would be left, a part is copied into bytes instead."""
    return [
        part if isinstance(part, SealedBuffer) or len(part) < SMALLEST else _copy(part, spare)
        for part in parts
    ]


def _copy(part: Bytes, spare: int) -> Bytes | SealedBuffer:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if SealedBuffer.alive < limit - spare:
        try:
            return SealedBuffer.copy_of(memoryview(part).cast("B"))
        except OSError:
            pass  # no descriptor or no memory file to be had
    return bytes(part)


def views(parts: Sequence[Bytes | SealedBuffer]) -> list[Bytes]:
    """The parts as bytes-like objects; sealed ones are mapped, read-only."""
    return [part.view() if isinstance(part, SealedBuffer) else part for part in parts]


def copies(parts: Sequence[Bytes | SealedBuffer]) -> list[Bytes]:
    """As ``views``, but each sealed part is a copy that may be written to. (Keeping the files
    instead would charge them to the sandbox's memory for as long as its results live.)"""
    return [part.copy() if isinstance(part, SealedBuffer) else part for part in parts]


class NotSealed(Exception):
    """A descriptor that came with a frame is not what it has to be."""


class SealedBuffer:
    """``size`` bytes in a sealed memory file. Closes its descriptor when it is collected."""

    __slots__ = ("__weakref__", "_fd", "_mapping", "size")
    alive = 0  # how many there are, each with a descriptor

    def __init__(self, fd: int, size: int) -> None:
        self._fd = fd
        self.size = size
        self._mapping: memoryview | None = None
        SealedBuffer.alive += 1

    @classmethod
    def copy_of(cls, data: memoryview) -> SealedBuffer:
        """Copy ``data``, contiguous bytes, into a new file. Raises ``OSError``."""
        fd = os.memfd_create("nbfaas", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            size = data.nbytes
            written = 0
            while written < size:
                written += os.write(fd, data[written : written + _COPY_AT_ONCE])
            fcntl.fcntl(fd, F_ADD_SEALS, _SEALS)
        except BaseException:
            os.close(fd)
            raise
        return cls(fd, size)

    @classmethod
    def received(cls, fd: int, size: int, *, trusting: bool = False) -> SealedBuffer:
        """Take over a descriptor that came with a frame, which said ``size``.

        Raises ``NotSealed`` if it is no sealed memory file of that size (``trusting``: whatever
        came is taken); ``fd`` is closed then.
        """
        if trusting:
            return cls(fd, size)
        try:
            seals = fcntl.fcntl(fd, _F_GET_SEALS)
            actual = os.fstat(fd).st_size
        except OSError:
            os.close(fd)
            raise NotSealed("a descriptor that is no memory file") from None
        if seals & _SEALS != _SEALS or actual != size:
            os.close(fd)
            raise NotSealed(f"a memory file of {actual} bytes with seals {seals}, not of {size}")
        return cls(fd, size)

    def __repr__(self) -> str:
        return f"<SealedBuffer {self.size} bytes>"

    def __del__(self) -> None:
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = -1
            SealedBuffer.alive -= 1

    def fileno(self) -> int:
        return self._fd

    def view(self) -> memoryview:
        """The bytes, read-only; mapped at the first use and for as long as a view is alive."""
        if self._mapping is None:
            self._mapping = memoryview(_mapped(self._fd, self.size))
        return self._mapping

    def copy(self) -> memoryview:
        """A copy of the bytes that may be written to."""
        # Read, not copied from a mapping: no page faults, and other threads go on meanwhile.
        private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        memory = mmap.mmap(-1, self.size, flags=private)
        with contextlib.suppress(OSError):  # a kernel without huge pages
            memory.madvise(mmap.MADV_HUGEPAGE)
        copy = memoryview(memory)
        done = 0
        while done < self.size:
            read = os.preadv(self._fd, [copy[done:]], done)
            if not read:
                raise NotSealed(f"a memory file that ends after {done} bytes of {self.size}")
            done += read
        return copy


def _mapped(fd: int, size: int) -> mmap.mmap:
    return mmap.mmap(fd, size, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)


class MappingCache:
    """Maps the same memory file once, however often it is received.

    An array that is an argument of many calls then costs its page faults once in each sandbox. The
    last few mappings are kept; a file is known by its inode, which no other one has meanwhile.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, int], memoryview] = OrderedDict()

    def view(self, buffer: SealedBuffer) -> memoryview:
        status = os.fstat(buffer.fileno())
        key = (status.st_dev, status.st_ino)
        view = self._kept.pop(key, None)
        if view is None:
            view = buffer.view()
        self._kept[key] = view
        while len(self._kept) > _MAPPINGS_KEPT:
            self._kept.popitem(last=False)
        return view
