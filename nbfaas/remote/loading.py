"""Finding a function by its place: ``path/to/file.py:function`` or ``module:function``."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from nbfaas.errors import BadDeployment, NotDeployable
from nbfaas.errors.simulator import nearest
from nbfaas.remote.decorator import remote
from nbfaas.remote.function import RemoteFunction
from nbfaas.remote.trigger_specs import recording_only


def load_function(place: str) -> RemoteFunction[Any, Any]:
    """Import the file or module and return its function; one without ``@remote`` is given the
    default options. Triggers are noted and not started. Raises ``BadDeployment``,
    ``NotDeployable``."""
    where, colon, name = place.rpartition(":")
    if not colon or not where or not name:
        raise BadDeployment("function", place, _no_place(place))
    with recording_only():
        module = _from_file(Path(where), name) if where.endswith(".py") else _module(where, name)
    found = getattr(module, name, None)
    if found is None:
        known = [each for each, value in vars(module).items() if isinstance(value, RemoteFunction)]
        raise BadDeployment("function", name, f"{where} has none of this name; "
                            f"{nearest(name, known)}")  # fmt: skip
    if isinstance(found, RemoteFunction):
        return found
    if not callable(found) or isinstance(found, type):
        raise BadDeployment("function", name, f"in {where} it is of type {type(found).__name__}")
    return remote(found)


def _no_place(place: str) -> str:
    wanted = "path/to/file.py:function or module:function, or an exported folder"
    path = Path(place)
    if path.is_dir():
        return f"no function was exported to this folder; give {wanted}"
    if path.suffix == ".py":
        return f"say which of its functions is meant: {place}:FUNCTION"
    return f"there is no such folder; give {wanted}"


def _from_file(path: Path, function: str) -> ModuleType:
    path = path.expanduser().resolve()
    if not path.is_file():
        raise BadDeployment("function", str(path), "there is no such file")
    name = path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not name.isidentifier():
        raise BadDeployment("function", str(path), "it can't be imported under its name")
    if name in sys.modules and getattr(sys.modules[name], "__file__", None) != str(path):
        raise BadDeployment("function", str(path), f"another module is called {name!r}; rename it")
    module = importlib.util.module_from_spec(spec)
    # Its neighbours can be imported, as when it is run as a script.
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise _import_failed(function, str(path), error) from error
    return module


def _module(name: str, function: str) -> ModuleType:
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise _import_failed(function, name, error) from error


def _import_failed(function: str, where: str, error: Exception) -> NotDeployable:
    reason = f"importing {where} raised {type(error).__name__}: {error}"
    return NotDeployable(function, reason, "Run it by itself to see where.")
