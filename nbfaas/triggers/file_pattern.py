"""Which files a pattern means, and what they look like now."""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from nbfaas.errors.delivery import BadTrigger
from nbfaas.errors.sources import PathUnreadable

DEEP = "**"
_MAGIC = re.compile(r"[*?\[]")
_EXAMPLE = "such as 'inbox/*.csv', or 'inbox/**/*.csv' for its subfolders as well"


class Version(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Two states of a file that differ in nothing of this are taken for the same. The garbage
    collector passes it by: with a hundred thousand, it would stop everything for a while."""

    inode: int
    size: int  # bytes
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class FilePattern:
    """A pattern in two: the absolute ``folder`` in front of the first wildcard, and the ``parts``
    of a path beneath it.

    ``*``, ``?`` and ``[…]`` stand for characters of one name, ``**`` for folders at any depth. As
    in a shell, wildcards leave out names that begin with a dot. Links to files count as files;
    ``**`` does not enter links to folders, so that it can't go in circles.
    """

    text: str
    folder: str
    parts: tuple[str, ...]

    @classmethod
    def parse(cls, pattern: object) -> FilePattern:
        """Relative ones begin at the current folder, ``~`` at the home folder. Raises
        ``BadTrigger``."""
        if isinstance(pattern, Path):
            pattern = str(pattern)
        if not isinstance(pattern, str) or not pattern or "\0" in pattern:
            raise BadTrigger("file", "pattern", pattern, f"it must be a str, {_EXAMPLE}")
        if pattern.endswith("/"):
            wanted = f"it must end in the name of files, {_EXAMPLE}"
            raise BadTrigger("file", "pattern", pattern, wanted)
        parts = [part for part in os.path.expanduser(pattern).split("/") if part not in ("", ".")]
        fixed = 0
        while fixed < len(parts) - 1 and not _MAGIC.search(parts[fixed]):
            fixed += 1
        below = parts[fixed:]
        if not below or ".." in below:
            wanted = f"'..' can stand only before the first wildcard; {_EXAMPLE}"
            raise BadTrigger("file", "pattern", pattern, wanted)
        if below[-1] == DEEP:
            below.append("*")
        root = "/" if pattern.startswith(("/", "~")) else os.getcwd()
        folder = os.path.abspath(os.path.join(root, *parts[:fixed]))
        if folder == "/":
            wanted = f"it would watch the whole disk; begin with a folder, {_EXAMPLE}"
            raise BadTrigger("file", "pattern", pattern, wanted)
        return cls(pattern, folder, tuple(below))

    @property
    def deep(self) -> bool:
        """Whether it means files in subfolders."""
        return len(self.parts) > 1


@dataclass(frozen=True, slots=True)
class Found:
    """What ``scan`` saw. ``folder`` is device and inode of the pattern's folder, None if there is
    none; ``files`` are by their path relative to it."""

    folder: tuple[int, int] | None
    files: dict[str, Version]
    folders: int = 0  # that were read
    unnamed: int = 0  # left out, because their names are no UTF-8


def identify(folder: str) -> tuple[int, int] | None:
    """Device and inode; None if it is no folder."""
    try:
        seen = os.stat(folder)
    except PermissionError as error:
        raise PathUnreadable(folder, str(error.strerror)) from error
    except OSError:
        return None
    return (seen.st_dev, seen.st_ino) if stat.S_ISDIR(seen.st_mode) else None


def scan(pattern: FilePattern, stop: threading.Event) -> Found:
    """All files of the pattern; each folder is read once. Raises ``PathUnreadable`` rather than
    leave something out, because what is left out would look deleted. Incomplete once ``stop`` is
    set."""
    folder = identify(pattern.folder)
    scanner = _Scanner(pattern.parts, stop)
    if folder is not None:
        scanner.read(pattern.folder, "", scanner.opened({0}))
    return Found(folder, scanner.files, scanner.folders, scanner.unnamed)


class _Scanner:
    """Goes through the folders with the set of places in the pattern that each may stand at."""

    def __init__(self, parts: tuple[str, ...], stop: threading.Event) -> None:
        self.files: dict[str, Version] = {}
        self.folders = 0
        self.unnamed = 0
        self._deep = [part == DEEP for part in parts]
        self._matches = [_matcher(part) for part in parts]
        self._last = len(parts) - 1
        self._stop = stop

    def opened(self, places: set[int]) -> set[int]:
        """With what follows a ``**``, which also stands for no folder at all."""
        for place in range(self._last):
            if place in places and self._deep[place]:
                places.add(place + 1)
        return places

    def read(self, folder: str, prefix: str, places: set[int]) -> None:
        if self._stop.is_set():
            return
        self.folders += 1
        is_file = self._matches[self._last] if self._last in places else None
        below = []
        for entry in _entries(folder):
            name = entry.name
            inner = self._inside(entry, places) if places != {self._last} else None
            if inner is None and (is_file is None or not is_file(name)):
                continue
            if not name.isascii() and not _is_unicode(name):
                self.unnamed += 1
            elif inner is not None:
                below.append((entry.path, f"{prefix}{name}/", inner))
            elif (version := _version(entry)) is not None:
                self.files[prefix + name] = version
        for path, name, inner in below:
            self.read(path, name, inner)

    def _inside(self, entry: os.DirEntry[str], places: set[int]) -> set[int] | None:
        """The places inside of this entry; None if it is no folder, or none that matters."""
        inner = set()
        for place in places:
            if self._deep[place]:
                if not entry.name.startswith(".") and not entry.is_symlink():
                    inner.add(place)
            elif place < self._last and self._matches[place](entry.name):
                inner.add(place + 1)
        return self.opened(inner) if inner and _is_folder(entry) else None


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return  # it was there a moment ago
    except OSError as error:
        raise PathUnreadable(folder, str(error.strerror)) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _version(entry: os.DirEntry[str]) -> Version | None:
    """None if it is no regular file, or gone."""
    try:
        seen = entry.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):  # a link to nowhere
            return None
        raise PathUnreadable(entry.path, str(error.strerror)) from error
    if not stat.S_ISREG(seen.st_mode):
        return None
    return Version(seen.st_ino, seen.st_size, seen.st_mtime_ns)


def _matcher(part: str) -> Callable[[str], object]:
    if not _MAGIC.search(part):
        return part.__eq__
    match = re.compile(fnmatch.translate(part)).match
    if part.startswith("."):
        return match
    return lambda name: not name.startswith(".") and match(name)


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
