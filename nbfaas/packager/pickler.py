"""The pickler for what goes to sandboxes: the user's own code by value, the rest by reference."""

from __future__ import annotations

import functools
import io
import sys
from collections.abc import Callable, Collection
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import cloudpickle
from cloudpickle.cloudpickle import _dynamic_class_reduce, _make_skeleton_class, subimport

from nbfaas.agent import codec
from nbfaas.packager.code_facts import code_facts, import_names
from nbfaas.packager.modules import find_local, is_external, is_local


class ShippingPickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles by value what ``__main__`` and local modules define.

    Modules named in ``sources`` can be imported in the sandbox, so what they define goes by
    reference. While it pickles it notes what it met.
    """

    def __init__(
        self,
        file: io.BytesIO,
        protocol: int = 5,
        buffer_callback: Callable[[Any], object] | None = None,
        sources: Collection[str] = frozenset(),
    ) -> None:
        super().__init__(file, protocol, buffer_callback)
        self.sources = sources
        self.functions: list[FunctionType] = []  # shipped by value
        self.classes: list[type] = []  # shipped by value
        self.required: set[str] = set()  # modules needed in the image
        self.wanted: set[str] = set()  # local modules that must be importable

    def reducer_override(self, obj: object) -> Any:
        if isinstance(obj, FunctionType):
            return self._reduce_function(obj)
        if isinstance(obj, type):
            return self._reduce_class(obj)
        if isinstance(obj, ModuleType):
            return self._reduce_module(obj)
        if isinstance(obj, _CACHED):
            function = obj.__wrapped__
            if isinstance(function, FunctionType) and self._by_value(function.__module__):
                how = obj.cache_parameters()
                return codec.cached, (function, how["maxsize"], how["typed"])
        if isinstance(obj, BuiltinFunctionType):
            self._require(obj.__module__)
        self._require(type(obj).__module__)
        return super().reducer_override(obj)

    def _by_value(self, module: str | None) -> bool:
        return module == "__main__" or (module not in self.sources and is_local(module))

    def _require(self, module: str | None) -> None:
        if isinstance(module, str) and is_external(module) and not is_local(module):
            self.required.add(module.partition(".")[0])

    def _reduce_function(self, function: FunctionType) -> Any:
        if getattr(function, "__wrapped__", None) is io.open:
            return getattr, (io, "open")  # IPython puts one of its own into every notebook
        if self._by_value(function.__module__):
            reduced = self._dynamic_function_reduce(function)
        else:
            reduced = super().reducer_override(function)
        if reduced is NotImplemented:
            self._require(function.__module__)
        else:
            self.functions.append(function)
            self._note_imports(function)
        return reduced

    def _note_imports(self, function: FunctionType) -> None:
        facts = code_facts(function.__code__)
        package = function.__globals__.get("__package__") or ""
        for module, needed in import_names(facts.imports, package):
            if not is_external(module) and module.partition(".")[0] != "__main__":
                continue
            if find_local(module) is not None:
                self.wanted.add(module)
            elif needed and find_local(module.partition(".")[0]) is None:
                self.required.add(module.partition(".")[0])

    def _reduce_class(self, cls: type) -> Any:
        if cls.__module__ != "__main__" and self._by_value(cls.__module__):
            reduced = _dynamic_class_reduce(cls)
        else:
            reduced = super().reducer_override(cls)
        if reduced is NotImplemented:
            self._require(cls.__module__)
        elif cls.__module__ != "builtins":
            self.classes.append(cls)
            reduced = _with_qualname(cls, reduced)
            if len(reduced) > 2:  # cloudpickle's copy of what the class holds
                reduced[2][0].pop(_MSGSPEC_CACHE, None)
        return reduced

    def _reduce_module(self, module: ModuleType) -> Any:
        name = module.__name__
        if sys.modules.get(name) is not module:
            return super().reducer_override(module)
        if is_local(name):
            self.wanted.add(name)
        else:
            self._require(name)
        return subimport, (name,)


def _with_qualname(cls: type, reduced: Any) -> Any:
    """cloudpickle forgets the ``__qualname__`` of a nested class, by which results refer to it."""
    if reduced[0] is not _make_skeleton_class or cls.__qualname__ == cls.__name__:
        return reduced
    constructor, name, bases, namespace, tracker, extra = reduced[1]
    namespace = {**namespace, "__qualname__": cls.__qualname__}
    return reduced[0], (constructor, name, bases, namespace, tracker, extra), *reduced[2:]


_CACHED = type(functools.lru_cache(len))
# What msgspec leaves behind in dataclasses, TypedDicts and Enums that it has looked at, as for the
# form of an event. It can't be pickled, and is made again where it is needed.
_MSGSPEC_CACHE = "__msgspec_cache__"
