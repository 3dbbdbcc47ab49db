"""Whether what a function refers to is still what was shipped, told in about a microsecond."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import logging
import os
import pathlib
import re
import sys
import types
import uuid
from collections.abc import Iterable
from types import FunctionType

from nbfaas.packager.code_facts import code_facts

_MISSING = object()
_ATOMS = frozenset(
    {
        *(
            type(None),
            bool,
            int,
            float,
            complex,
            str,
            bytes,
            range,
            type(...),
            type(NotImplemented),
        ),
        *(decimal.Decimal, fractions.Fraction, uuid.UUID, re.Pattern),
        *(datetime.date, datetime.time, datetime.datetime, datetime.timedelta, datetime.timezone),
        *(types.FunctionType, types.ModuleType, types.BuiltinFunctionType),
        *(types.GenericAlias, types.UnionType, property, staticmethod, classmethod),
        *(types.MemberDescriptorType, types.GetSetDescriptorType),
    }
)
# Dicts that belong to a class and are not written to after it was made.
_CLASS_INTERNALS = frozenset({"_abc_impl", "_field_defaults"})


class Guards:
    """Remembers the bindings that ``functions`` and ``classes``, shipped by value, depend on.

    ``root`` is what was packed. ``files`` are the sources shipped. ``volatile`` is true if
    something mutable is referred to, so that only pickling again can tell whether it changed.
    """

    def __init__(
        self,
        root: object,
        functions: Iterable[FunctionType] = (),
        classes: Iterable[type] = (),
        files: Iterable[str] = (),
    ) -> None:
        self._globals: list[tuple[dict[str, object], str, object]] = []
        self._functions: list[tuple[FunctionType, object, object, object]] = []
        self._cells: list[tuple[types.CellType, object]] = []
        self._classes: list[tuple[type, int, list[tuple[str, object]]]] = []
        self._files = [(path, _stamp(path)) for path in files]
        immutable = is_immutable(root)
        for function in functions:
            immutable &= self._watch_function(function)
        for cls in classes:
            immutable &= self._watch_class(cls)
        self.volatile = not immutable
        if self.volatile:  # keep nothing alive for comparisons that are not made
            self._globals, self._functions, self._cells, self._classes = [], [], [], []

    def __repr__(self) -> str:
        kind = "volatile" if self.volatile else f"{len(self._globals)} globals"
        return f"<Guards {kind}, {len(self._files)} files>"

    def hold(self) -> bool:
        """Whether nothing was rebound or edited since, and nothing mutable is referred to."""
        if self.volatile:
            return False
        for namespace, name, value in self._globals:
            if namespace.get(name, _MISSING) is not value:
                return False
        for function, code, defaults, kwdefaults in self._functions:
            if (
                function.__code__ is not code
                or function.__defaults__ is not defaults
                or function.__kwdefaults__ is not kwdefaults
            ):
                return False
        for cell, value in self._cells:
            if _contents(cell) is not value:
                return False
        for cls, size, members in self._classes:
            namespace = cls.__dict__  # type: ignore[assignment]
            if len(namespace) != size or any(namespace.get(n) is not v for n, v in members):
                return False
        return all(_stamp(path) == stamp for path, stamp in self._files)

    def _watch_function(self, function: FunctionType) -> bool:
        code = function.__code__
        self._functions.append((function, code, function.__defaults__, function.__kwdefaults__))
        values: list[object] = [
            *(function.__defaults__ or ()),
            *(function.__kwdefaults__ or {}).values(),
            *function.__dict__.values(),
        ]
        namespace = function.__globals__
        for name in code_facts(code).global_names:
            value = namespace.get(name, _MISSING)
            self._globals.append((namespace, name, value))
            values.append(value)
        for cell in function.__closure__ or ():
            value = _contents(cell)
            self._cells.append((cell, value))
            values.append(value)
        return all(is_immutable(value) for value in values)

    def _watch_class(self, cls: type) -> bool:
        if isinstance(cls, enum.EnumMeta):
            return True
        members = list(cls.__dict__.items())
        self._classes.append((cls, len(members), members))
        return all(
            is_immutable(value)
            for name, value in members
            if not (name.startswith("__") and name.endswith("__")) and name not in _CLASS_INTERNALS
        )


def is_immutable(value: object, depth: int = 8) -> bool:
    """Whether ``value`` can't change, as far as is known. Functions and classes count as immutable:
    those shipped by value are watched for themselves."""
    kind = type(value)
    if kind in _ATOMS or value is _MISSING or isinstance(value, type | enum.Enum):
        return True
    if depth == 0:
        return False
    if isinstance(value, tuple | frozenset):
        return all(is_immutable(item, depth - 1) for item in value)
    if isinstance(value, pathlib.PurePath | logging.Logger):
        return True
    if kind.__module__.partition(".")[0] in ("nbfaas", "typing"):
        return True
    wrapped = getattr(value, "__wrapped__", None)
    if kind.__name__ == "_lru_cache_wrapper":
        return isinstance(wrapped, FunctionType)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.generic):
        return not isinstance(value, numpy.void)
    params = getattr(kind, "__dataclass_params__", None)
    if params is not None and params.frozen and hasattr(value, "__dict__"):
        return all(is_immutable(item, depth - 1) for item in vars(value).values())
    return False


def _contents(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # an empty cell
        return _MISSING


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
