"""Values to bytes and back, as the sandbox does it.

Results refer to the classes of the notebook *by name*, never by value: the host looks them up
among its own, and so never needs code from the sandbox to read a result.
"""

from __future__ import annotations

import functools
import importlib
import io
import pickle
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import cloudpickle

from nbfaas.agent import sources
from nbfaas.agent.buffers import SMALLEST, Bytes, MappingCache, SealedBuffer
from nbfaas.agent.culprit import find_culprit
from nbfaas.agent.wire import MAX_PARTS, Part

MAX_BUFFERS = MAX_PARTS - 1

_SCALARS = frozenset({type(None), bool, int, float, str, bytes})
_SEQUENCES = frozenset({list, tuple, set, frozenset})


class Unpicklable(Exception):
    """A value can't be pickled. ``path`` leads to the culprit: ``result['model'].lock``."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def is_plain(value: object) -> bool:
    """Whether ``value`` is a builtin scalar, or a container of nothing else: the C pickler alone
    then does the right thing, and fast."""
    kind = type(value)
    if kind in _SCALARS:
        return True
    if kind in _SEQUENCES:
        return _SCALARS.issuperset(map(type, value))  # type: ignore[call-overload]
    if kind is dict:
        items: dict[object, object] = value  # type: ignore[assignment]
        return _SCALARS.issuperset(map(type, items)) and _SCALARS.issuperset(
            map(type, items.values())
        )
    return False


def dump(value: object, label: str = "result") -> list[Part]:
    """Pickle ``value``: the pickle first, then its out-of-band buffers (PEP 574).

    Raises ``Unpicklable`` with a path that starts at ``label``.
    """
    if type(value) in _SCALARS or is_plain(value):
        return [pickle.dumps(value, 5)]
    try:
        return dump_with(_Pickler, value)
    except Exception:  # noqa: BLE001 - __reduce__ of anything may raise anything
        path, reason = find_culprit(value, label, lambda part: dump_with(_Pickler, part))
        raise Unpicklable(path, reason) from None


def dump_with(pickler: Callable[..., pickle.Pickler], value: object) -> list[Part]:
    """Pickle with ``pickler(file, protocol, buffer_callback)``, large buffers out of band.

    The out-of-band parts are views of the live objects, except those that were sealed before.
    """
    buffers: list[Part] = []

    def in_band(buffer: pickle.PickleBuffer) -> bool:
        sealed = sealed_before.get(id(buffer))
        if sealed is not None and len(buffers) < MAX_BUFFERS:
            buffers.append(sealed)
            return False
        view = buffer.raw()
        if view.nbytes < SMALLEST or len(buffers) == MAX_BUFFERS:
            return True
        buffers.append(view)
        return False

    with io.BytesIO() as file:
        pickler(file, 5, in_band).dump(value)
        return [file.getvalue(), *buffers]


sealed_before: dict[int, SealedBuffer] = {}
"""By the id of a ``PickleBuffer`` that somebody keeps alive: the sealed buffer with its bytes."""

_mappings = MappingCache()


def load(parts: Sequence[Part]) -> Any:
    """Unpickle what the host, which is trusted, has sent. Arrays over sealed buffers are
    read-only."""
    if len(parts) == 1 and type(parts[0]) is bytes:
        return pickle.loads(parts[0])
    return pickle.loads(_usable(parts[0]), buffers=[_usable(part) for part in parts[1:]])


def _usable(part: Part) -> Bytes:
    return _mappings.view(part) if isinstance(part, SealedBuffer) else writable(part)


def load_stored(data: bytes, *buffers: Bytes) -> Any:
    """An object that the host has stored with ``nbfaas.put``."""
    return pickle.loads(data, buffers=buffers)


def writable(part: Bytes) -> Bytes:
    """Arrays over a read-only buffer would be read-only, depending on how they came here."""
    return bytearray(part) if memoryview(part).readonly else part


def load_function(payload: bytes) -> Callable[..., Any]:
    """Return the function in a payload made by ``nbfaas.packager.pack``.

    The payload is a pickle of ``(sources, function)``: the sources of local modules that are
    imported by name, and the pickled function. Raises whatever its imports raise.
    """
    shipped, function = pickle.loads(payload)
    sources.install(shipped)
    loaded: Callable[..., Any] = pickle.loads(function)
    return loaded


def class_by_name(module: str, qualname: str) -> type:
    """The class ``module.qualname``. On the host, ``nbfaas.packager.trust`` takes its place."""
    cls = resolve(sys.modules.get(module) or importlib.import_module(module), qualname)
    if not isinstance(cls, type):
        raise pickle.UnpicklingError(f"there is no class {module}.{qualname}")
    return cls


def cached(function: Callable[..., Any], maxsize: int | None, typed: bool) -> Callable[..., Any]:
    """What a function decorated with ``functools.lru_cache`` is rebuilt with, its cache empty."""
    return functools.lru_cache(maxsize, typed)(function)


def resolve(module: ModuleType, qualname: str) -> object:
    """The attribute at ``qualname`` of ``module``, or None."""
    found: object = module
    for name in qualname.split("."):
        found = getattr(found, name, None)
    return found


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Classes that can't be imported, as those of the notebook, go by name instead of by value."""

    def reducer_override(self, obj: object) -> Any:
        if isinstance(obj, type) and obj.__module__ != "builtins":
            module, qualname = obj.__module__, obj.__qualname__
            home = None if module == "__main__" else sys.modules.get(module)
            if home is None or resolve(home, qualname) is not obj:
                return class_by_name, (module, qualname)
        return super().reducer_override(obj)
