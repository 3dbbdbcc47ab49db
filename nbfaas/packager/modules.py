"""Which modules are the user's own files, and what they need to be importable elsewhere."""

from __future__ import annotations

import ast
import functools
import importlib.machinery
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from nbfaas.agent.sources import Source

_NOT_LOCAL = tuple(
    os.path.abspath(folder) + os.sep
    for folder in {
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("platstdlib"),
        os.path.dirname(os.__file__),
        os.path.dirname(os.path.dirname(__file__)),
    }
)
# Where the name to import and the name to install differ.
_DISTRIBUTIONS = {
    "Crypto": "pycryptodome",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "fitz": "pymupdf",
    "google": "google-cloud",
    "jose": "python-jose",
    "jwt": "pyjwt",
    "magic": "python-magic",
    "pptx": "python-pptx",
    "psycopg2": "psycopg2-binary",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


@functools.cache
def distribution_for(module: str) -> str:
    """The name to install for a module: ``scikit-learn`` for ``sklearn``. Slow the first time."""
    from importlib.metadata import packages_distributions

    top = module.partition(".")[0]
    installed = packages_distributions().get(top)
    if installed and top not in _DISTRIBUTIONS:
        return installed[0]
    return _DISTRIBUTIONS.get(top, top)


def is_external(module: str) -> bool:
    """Whether a sandbox can lack this module: neither the standard library's nor nbfaas itself."""
    top = module.partition(".")[0]
    return top not in sys.stdlib_module_names and top not in _PROVIDED


_PROVIDED = frozenset({"__main__", "__mp_main__", "nbfaas", "cloudpickle"})


def is_local(name: str | None) -> bool:
    """Whether ``name`` is a loaded module made from a file that no installer put where it is.

    Such a module is not in any image. Editable installs are local; nbfaas is not.
    """
    module = sys.modules.get(name) if name else None
    if module is None or name == "__main__":
        return False
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return _is_local_file(file)
    if file is None and hasattr(module, "__path__"):  # a namespace package has folders only
        return all(_is_local_file(os.path.join(path, "_.py")) for path in list(module.__path__))
    return False


@functools.lru_cache(maxsize=8192)
def _is_local_file(path: str) -> bool:
    if not path.endswith(".py"):
        return False
    path = os.path.abspath(path)
    parts = path.split(os.sep)
    if "site-packages" in parts or "dist-packages" in parts:
        return False
    return not path.startswith(_NOT_LOCAL)


class Sources:
    """The local modules that a function imports by name, with all they import in turn."""

    def __init__(self) -> None:
        self.modules: dict[str, Source] = {}
        self.requires: set[str] = set()
        """Top-level names the modules import unconditionally while they are imported."""

    def add(self, names: Iterable[str]) -> None:
        """Take in ``names`` as far as they are local, their packages and what they import."""
        queue = list(names)
        while queue:
            name = queue.pop()
            parent = name.rpartition(".")[0]
            if parent:
                queue.append(parent)
            if name in self.modules or (source := read_source(name)) is None:
                continue
            self.modules[name] = source
            for imported, needed in _imports(name, source):
                queue.append(imported)
                top = imported.partition(".")[0]
                if needed and is_external(top) and find_local(top) is None:
                    self.requires.add(top)


def read_source(name: str) -> Source | None:
    """The source of a local module, loaded or not; None if it is not local. Imports nothing."""
    spec = find_local(name)
    if spec is None:
        return None
    is_package = spec.submodule_search_locations is not None
    if not spec.origin or not spec.has_location:
        return is_package, "", ""
    loader = spec.loader
    if isinstance(loader, importlib.machinery.SourceFileLoader):
        text = importlib.util.decode_source(Path(spec.origin).read_bytes())
    elif (found := getattr(loader, "get_source", lambda _: None)(name)) is not None:
        text = found
    else:
        return None
    return is_package, spec.origin, text


def find_local(name: str) -> ModuleSpec | None:
    """The spec of a local module or package, found without importing anything."""
    spec: ModuleSpec | None = None
    path = ""
    for step in name.split("."):
        path = f"{path}.{step}" if path else step
        loaded = sys.modules.get(path)
        if isinstance(loaded, ModuleType) and getattr(loaded, "__spec__", None) is not None:
            spec = loaded.__spec__
        elif spec is None:
            spec = _find_top(path)
        else:
            spec = importlib.machinery.PathFinder.find_spec(path, spec.submodule_search_locations)
        if spec is None or not _is_local_spec(spec):
            return None
    return spec


def _find_top(name: str) -> ModuleSpec | None:
    if name in sys.stdlib_module_names or name in _PROVIDED:
        return None
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def _is_local_spec(spec: ModuleSpec) -> bool:
    if spec.origin and spec.has_location:
        return _is_local_file(spec.origin)
    folders = spec.submodule_search_locations
    return bool(folders) and all(
        _is_local_file(os.path.join(folder, "_.py")) for folder in folders or ()
    )


def _imports(name: str, source: Source) -> Iterator[tuple[str, bool]]:
    """``(module, needed)`` for each import in the source; needed: it runs on import, unguarded."""
    is_package, filename, text = source
    package = name if is_package else name.rpartition(".")[0]
    try:
        tree = ast.parse(text, filename)
    except SyntaxError:
        return
    yield from _walk_imports(tree.body, package, True)


def _walk_imports(
    nodes: Iterable[ast.AST], package: str, needed: bool
) -> Iterator[tuple[str, bool]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, needed) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute_name(node.module or "", node.level, package)
            if base:
                yield base, needed
                # What is imported from a package may be one of its modules.
                yield from ((f"{base}.{alias.name}", False) for alias in node.names)
        else:
            sure = needed and not isinstance(
                node, ast.Try | ast.If | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
            )
            yield from _walk_imports(ast.iter_child_nodes(node), package, sure)


def absolute_name(module: str, level: int, package: str) -> str:
    """The full name of a relative import; empty if it leads out of the package."""
    if level == 0:
        return module
    parts = package.split(".") if package else []
    if level > len(parts):
        return ""
    return ".".join([*parts[: len(parts) - level + 1], *([module] if module else [])])
