"""A layer of an image, as a tar file on disk: owned by root, readable by everyone."""

from __future__ import annotations

import io
import os
import py_compile
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

_COMPILED_SUFFIX = f".{sys.implementation.cache_tag}.pyc"


class Layer:
    """Collects files under absolute paths of the image, in a temporary file that ``close`` removes.

    Owners, write bits and the times of generated files are normalised, so that equal content makes
    an equal layer, and so that no file of the image belongs to a user of the host.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = cast(BinaryIO, tempfile.TemporaryFile(dir=folder))  # noqa: SIM115
        self._tar = tarfile.open(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._known: set[str] = set()
        self._size = 0

    def __repr__(self) -> str:
        return f"<Layer of {len(self._known)} entries>"

    def __enter__(self) -> Layer:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __contains__(self, path: str) -> bool:
        return path.strip("/") in self._known

    def folder(self, path: str, mode: int = 0o755) -> None:
        """Add a folder, and the ones above it."""
        name = path.strip("/")
        if not name or name in self._known:
            return
        self._parent(name)
        info = tarfile.TarInfo(name)
        info.type = tarfile.DIRTYPE
        info.mode = mode
        self._add(info)

    def file(self, path: str, data: bytes, mode: int = 0o644, mtime: int = 0) -> None:
        """Add a file with this content."""
        info = tarfile.TarInfo(path.strip("/"))
        info.size = len(data)
        info.mode = mode
        info.mtime = mtime
        self._parent(info.name)
        self._add(info, io.BytesIO(data))

    def copy(self, path: str, source: str | os.PathLike[str]) -> None:
        """Add a copy of a host's file, with its time (bytecode caches compare it)."""
        with open(source, "rb") as stream:
            stat = os.fstat(stream.fileno())
            info = tarfile.TarInfo(path.strip("/"))
            info.size = stat.st_size
            info.mode = 0o755 if stat.st_mode & 0o111 else 0o644
            info.mtime = int(stat.st_mtime)
            self._parent(info.name)
            self._add(info, stream)

    def symlink(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        info = tarfile.TarInfo(path.strip("/"))
        info.type = tarfile.SYMTYPE
        info.linkname = target
        info.mode = 0o777
        self._parent(info.name)
        self._add(info)

    def tree(self, path: str, source: Path) -> None:
        """Add everything below a host's folder, links as links."""
        for entry in walk(source):
            target = f"{path}/{entry.relative_to(source)}"
            if entry.is_symlink():
                self.symlink(target, os.readlink(entry))
            elif entry.is_dir():
                self.folder(target)
            elif entry.is_file():
                self.copy(target, entry)

    def python(self, path: str, source: bytes) -> None:
        """Add a Python file and its bytecode, which the interpreter then takes without looking at
        the source: start-up stays fast where nothing can be written."""
        self.file(path, source)
        head, _, name = path.rpartition("/")
        code = compiled(source, path)
        if code is not None:
            self.file(f"{head}/__pycache__/{name.removesuffix('.py')}{_COMPILED_SUFFIX}", code)

    def finish(self) -> BinaryIO:
        """End the tar and return it, rewound. ``size`` is known from then on."""
        self._tar.close()
        self._size = self._file.seek(0, os.SEEK_END)
        self._file.seek(0)
        return self._file

    @property
    def size(self) -> int:
        """Bytes of the finished tar."""
        return self._size

    def _parent(self, name: str) -> None:
        head = name.rpartition("/")[0]
        if head and head not in self._known:
            self.folder(head)

    def _add(self, info: tarfile.TarInfo, content: BinaryIO | None = None) -> None:
        if info.name in self._known:
            return
        self._known.add(info.name)
        self._tar.addfile(info, content)


def compiled(source: bytes, filename: str) -> bytes | None:
    """The ``.pyc`` of a source (never checked against it), or None if it is not valid here."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = os.path.join(folder, "a.py"), os.path.join(folder, "a.pyc")
        Path(given).write_bytes(source)
        try:
            py_compile.compile(
                given,
                cfile=made,
                dfile=filename,
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except py_compile.PyCompileError:
            return None
        return Path(made).read_bytes()


def walk(folder: Path) -> Iterator[Path]:
    """Everything below a folder, sorted, folders before what is in them."""
    for entry in sorted(folder.iterdir()):
        yield entry
        if entry.is_dir() and not entry.is_symlink():
            yield from walk(entry)
