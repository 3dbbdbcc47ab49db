"""Packaging for deployment: equal code gives equal bytes, in any process and on any day.

What differs from process to process is left out of the payload or put in order: the names that
kernels give to the files of cells, the random ids of classes, the order of strings in a set.
"""

from __future__ import annotations

import inspect
import os
import pickle
import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import CellType, CodeType, FunctionType
from typing import Any

from cloudpickle.cloudpickle import _code_reduce, _make_skeleton_class, _make_skeleton_enum

from nbfaas.packager.pack import pack
from nbfaas.packager.pickler import ShippingPickler

_TEMPORARY = re.compile(r"ipykernel_\d+[/\\]|^<ipython-input-|^<stdin>|^<string>")
# Those of a queue's URL stand in a decorator, which is not part of the payload.
_CREDENTIALS = re.compile(r"(?<=://)[^/\s'\"@]*:[^/\s'\"@]*@")
_NO_SOURCE = "# The source of {} is not known: it was not defined in a cell or a file.\n"


@dataclass(frozen=True, slots=True)
class Deployable:
    """``payload`` is what a sandbox loads; ``source`` is for people, the entry function first."""

    payload: bytes
    requires: tuple[str, ...]
    source: str


def pack_reproducibly(function: Callable[..., Any], name: str) -> Deployable:
    """Raises ``NotPicklable``."""
    picklers: list[ShippingPickler] = []

    def make(*args: Any, **kwargs: Any) -> ShippingPickler:
        picklers.append(ReproduciblePickler(*args, **kwargs))
        return picklers[-1]

    package = pack(function, name, make)
    met = picklers[-1]
    # What pack has just made, and so nothing but strings and bytes.
    shipped, data = pickle.loads(package.payload)
    modules = {
        module: (is_package, stable_filename(file), text)
        for module, (is_package, file, text) in shipped.items()
    }
    source = source_of(name, [*met.functions, *met.classes])
    return Deployable(pickle.dumps((modules, data), 5), package.requires, source)


def source_of(name: str, parts: Iterable[object]) -> str:
    """The text of functions and classes, one after the other; those inside others left out."""
    texts: dict[str, None] = {}
    for part in parts:
        try:
            text = textwrap.dedent(inspect.getsource(part))  # type: ignore[arg-type]
        except (OSError, TypeError):
            continue
        texts[_CREDENTIALS.sub("***@", text).rstrip() + "\n"] = None
    alone = [text for text in texts if not any(_is_inside(text, other) for other in texts)]
    return "\n\n".join(alone) or _NO_SOURCE.format(name)


class ReproduciblePickler(ShippingPickler):
    """Sets are put in order where a function refers to them: as constants, globals, defaults and
    in closures. Sets further inside data are written as they come."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ordered: dict[int, tuple[object, _Ordered]] = {}

    def reducer_override(self, obj: object) -> Any:
        if isinstance(obj, CodeType):
            constructor, args = _code_reduce(obj)
            ordered = [self._in_order(each) if each is obj.co_consts else each for each in args]
            return constructor, tuple(
                stable_filename(each) if each is obj.co_filename else each for each in ordered
            )
        if isinstance(obj, CellType) and obj != CellType():
            ordered = self._in_order(obj.cell_contents)
            return (CellType, (ordered,)) if ordered is not obj.cell_contents else NotImplemented
        if isinstance(obj, _Ordered):
            return type(obj.content), (obj.items,)
        return super().reducer_override(obj)

    def _reduce_function(self, function: FunctionType) -> Any:
        reduced = super()._reduce_function(function)
        if not self.functions or self.functions[-1] is not function:
            return reduced
        make, (code, namespace, *more), (state, slots), *rest = reduced
        if "__file__" in namespace:
            namespace["__file__"] = stable_filename(str(namespace["__file__"]))
        slots = dict(slots)
        for name in ("__globals__", "__kwdefaults__"):
            if slots[name]:
                slots[name] = {key: self._in_order(each) for key, each in slots[name].items()}
        slots["__defaults__"] = self._in_order(slots["__defaults__"])
        return make, (code, namespace, *more), (state, slots), *rest

    def _reduce_class(self, cls: type) -> Any:
        reduced = super()._reduce_class(cls)
        if isinstance(reduced, tuple) and reduced[0] in (_make_skeleton_class, _make_skeleton_enum):
            # The id is random. Without one, a class is made anew for each function loaded.
            *args, _, extra = reduced[1]
            return reduced[0], (*args, None, extra), *reduced[2:]
        return reduced

    def _in_order(self, value: Any) -> Any:
        """``value``, a set or a tuple of constants, in the form in which it is pickled in order."""
        if type(value) is tuple and any(type(each) in (set, frozenset, tuple) for each in value):
            return tuple(map(self._in_order, value))
        if type(value) not in (set, frozenset):
            return value
        if id(value) not in self._ordered:  # one set that two refer to stays one
            items = sorted(value, key=lambda each: (type(each).__qualname__, repr(each)))
            self._ordered[id(value)] = (value, _Ordered(value, items))
        return self._ordered[id(value)][1]


class _Ordered:
    """Stands for a set while it is pickled."""

    def __init__(self, content: Any, items: list[Any]) -> None:
        self.content = content
        self.items = items


def stable_filename(filename: str) -> str:
    """What tracebacks show of a deployed function's file: its name without the folder, which is
    another one elsewhere; for cells, whose files are named by process, ``<notebook>``."""
    if _TEMPORARY.search(filename):
        return "<notebook>"
    return os.path.basename(filename) if os.path.isabs(filename) else filename


def _is_inside(text: str, other: str) -> bool:
    """As a method in its class, or a function in another."""
    indented = (textwrap.indent(text.rstrip(), " " * depth) for depth in (4, 8))
    return text != other and any(each in other for each in indented)
