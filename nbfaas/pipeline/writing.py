"""Writing an exported folder: never over what somebody else has written there."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from nbfaas.errors import ExportRefused

MARKER = ".nbfaas-export.json"
"""In the folder: the files that were written, with their SHA-256."""


def write_folder(folder: Path, files: Mapping[str, bytes], executable: frozenset[str]) -> None:
    """Make the folder hold these files, by their relative path. What an earlier export has written
    there is replaced, or removed if it is among them no more, as long as nobody has changed it.

    Raises ``ExportRefused``, before anything is written.
    """
    try:
        before = _written_before(folder)
        _check(folder, files, before)
        for path in sorted(before.keys() - files.keys()):
            if _hash_of(folder / path) == before[path]:
                (folder / path).unlink()
        for path, data in files.items():
            _write(folder / path, data, 0o755 if path in executable else 0o644)
        written = {path: hashlib.sha256(data).hexdigest() for path, data in sorted(files.items())}
        _write(folder / MARKER, f"{json.dumps(written, indent=2)}\n".encode(), 0o644)
    except OSError as error:
        where = [str(error.filename or folder)]
        raise ExportRefused(str(folder), where, error.strerror or str(error)) from error


def _check(folder: Path, files: Mapping[str, bytes], before: Mapping[str, str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise ExportRefused(str(folder), [folder.name], "it is no folder")
    foreign, outside = [], []
    for path, data in files.items():
        target = folder / path
        if not target.parent.resolve().is_relative_to(folder.resolve()):
            outside.append(path)
        elif target.is_symlink() or target.exists():
            found = _hash_of(target)
            if found is None or found not in (before.get(path), hashlib.sha256(data).hexdigest()):
                foreign.append(path)
    if outside:
        raise ExportRefused(str(folder), outside, "links there lead out of it")
    if foreign:
        reason = "it would overwrite what no export has written, or what was changed since"
        raise ExportRefused(str(folder), foreign, reason)


def _written_before(folder: Path) -> dict[str, str]:
    """Empty if the folder was not exported to, or nobody can tell what was."""
    try:
        found = json.loads((folder / MARKER).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        path: each
        for path, each in found.items()
        if isinstance(each, str) and not Path(path).is_absolute() and ".." not in Path(path).parts
    }


def _hash_of(path: Path) -> str | None:
    """None if it is no plain file."""
    if path.is_symlink() or not path.is_file():
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write(path: Path, data: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(data)
    new.chmod(mode)
    os.replace(new, path)
