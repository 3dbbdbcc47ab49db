"""nbfaas turns a Jupyter notebook into a serverless platform on Docker.

::

    %load_ext nbfaas
    from nbfaas import remote

    @remote(memory="512MB")
    def score(x): ...

    score(3)                    # here
    score.remote(3)             # in a hardened container
    list(score.map(range(99)))  # in several
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from nbfaas.images.image import Image as Image
    from nbfaas.model.function import Retries as Retries
    from nbfaas.model.function import Volume as Volume
    from nbfaas.remote.call import FunctionCall as FunctionCall
    from nbfaas.remote.decorator import functions as functions
    from nbfaas.remote.decorator import remote as remote
    from nbfaas.remote.function import RemoteFunction as RemoteFunction
    from nbfaas.remote.gathering import as_completed as as_completed
    from nbfaas.remote.gathering import gather as gather
    from nbfaas.remote.map_run import MapRun as MapRun
    from nbfaas.remote.put import put as put
    from nbfaas.settings import config as config

# Imported at first use: `import nbfaas` must not take longer than a blink.
_WHERE = {
    "FunctionCall": "nbfaas.remote.call",
    "Image": "nbfaas.images.image",
    "MapRun": "nbfaas.remote.map_run",
    "RemoteFunction": "nbfaas.remote.function",
    "Retries": "nbfaas.model.function",
    "Volume": "nbfaas.model.function",
    "as_completed": "nbfaas.remote.gathering",
    "config": "nbfaas.settings",
    "functions": "nbfaas.remote.decorator",
    "gather": "nbfaas.remote.gathering",
    "put": "nbfaas.remote.put",
    "remote": "nbfaas.remote.decorator",
}

__all__ = [*_WHERE, "load_ipython_extension", "unload_ipython_extension"]


class _Package(ModuleType):
    """``nbfaas.remote`` is the decorator: importing a part of the package of that name, as
    ``%load_ext nbfaas`` does, must not put the package in its place."""

    def __setattr__(self, name: str, value: object) -> None:
        if name != "remote" or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    where = _WHERE.get(name)
    if where is None:
        raise AttributeError(f"module 'nbfaas' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(where), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext nbfaas``: the magics, progress lines and remote tracebacks of the notebook."""
    from nbfaas.notebook.extension import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext nbfaas``."""
    from nbfaas.notebook.extension import unload

    unload(shell)
