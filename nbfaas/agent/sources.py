"""Local modules that were shipped as source, importable in the sandbox under their own names."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType

Source = tuple[bool, str, str]
"""Whether the module is a package, its file name on the host, and its text."""


class SourceFinder:
    """A meta-path finder, and the loader of what it finds."""

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}

    def __repr__(self) -> str:
        return f"<SourceFinder {', '.join(self._sources) or 'of nothing'}>"

    def add(self, sources: Mapping[str, Source]) -> None:
        self._sources.update(sources)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        source = self._sources.get(name)
        if source is None:
            return None
        is_package, filename, _ = source
        spec = ModuleSpec(name, self, origin=filename, is_package=is_package)  # type: ignore[arg-type]
        spec.has_location = bool(filename)
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """The import system makes the module."""

    def exec_module(self, module: ModuleType) -> None:
        exec(self.get_code(module.__name__), module.__dict__)  # noqa: S102 - this is an import

    def get_code(self, name: str) -> CodeType:
        _, filename, text = self._sources[name]
        return compile(text, filename or f"<{name}>", "exec", dont_inherit=True)

    def get_source(self, name: str) -> str:
        """For ``linecache``: tracebacks show the lines although the file is not here."""
        return self._sources[name][2]

    def is_package(self, name: str) -> bool:
        return self._sources[name][0]


_finder = SourceFinder()


def install(sources: Mapping[str, Source]) -> None:
    """Make ``sources`` importable, before anything the image has under the same names."""
    if not sources:
        return
    _finder.add(sources)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
