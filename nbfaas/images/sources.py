"""Local Python modules as a layer."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nbfaas.errors import ImageBuildFailed
from nbfaas.images.layer import Layer, walk

_LEFT_OUT = frozenset({"__pycache__", ".git", ".ipynb_checkpoints", ".venv", ".mypy_cache"})


class Sources:
    """What lies at some paths at this moment: modules, and packages with their data files."""

    def __init__(self, image: str, paths: tuple[str, ...]) -> None:
        self._files: dict[str, bytes] = {}
        for text in paths:
            path = Path(text)
            try:
                for name, file in _files(path):
                    self._files[name] = file.read_bytes()
            except OSError as error:
                raise ImageBuildFailed(
                    image,
                    f"reading the local Python source {text!r}",
                    f"{error}. It was named in add_local_python_source.",
                ) from None

    def __repr__(self) -> str:
        return f"<Sources of {len(self._files)} files, {self.hash}>"

    @property
    def files(self) -> dict[str, bytes]:
        """What is in them, by their paths: ``pkg/module.py``."""
        return dict(sorted(self._files.items()))

    @property
    def hash(self) -> str:
        """Changes with the content of any file, its name or place."""
        digest = hashlib.sha256()
        for name, data in sorted(self._files.items()):
            digest.update(f"\0{name}\0{len(data)}\0".encode())
            digest.update(data)
        return digest.hexdigest()

    def fill(self, layer: Layer, folder: str) -> None:
        """Put the files below a folder of the image."""
        for name, data in sorted(self._files.items()):
            if name.endswith(".py"):
                layer.python(f"{folder}/{name}", data)
            else:
                layer.file(f"{folder}/{name}", data)


def _files(path: Path) -> list[tuple[str, Path]]:
    if not path.is_dir():
        return [(path.name, path)]
    return [
        (f"{path.name}/{entry.relative_to(path)}", entry)
        for entry in walk(path)
        if entry.is_file() and _LEFT_OUT.isdisjoint(entry.relative_to(path).parts)
    ]
