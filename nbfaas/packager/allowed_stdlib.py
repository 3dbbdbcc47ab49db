"""The types of Python itself that results may hold."""

from __future__ import annotations

import array
import builtins
import collections
import enum
import fractions
import functools
import importlib
import re
import sys
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any

from nbfaas.agent.units import with_article
from nbfaas.packager.own_classes import enum_grant, exception_grant, find_class
from nbfaas.packager.unpickler import Damaged, Grant, Maker, Refused, set_state

# Made by a call, with arguments that are values.
_CALLED = {
    "builtins": ("complex", "range", "slice", "set", "frozenset"),
    "collections": ("OrderedDict", "Counter", "deque"),
    "datetime": ("date", "time", "datetime", "timedelta", "timezone"),
    "decimal": ("Decimal",),
    "ipaddress": (
        *("IPv4Address", "IPv4Network", "IPv4Interface"),
        *("IPv6Address", "IPv6Network", "IPv6Interface"),
    ),
    "pathlib": ("PurePosixPath", "PosixPath", "PureWindowsPath"),
    "pathlib._local": ("PurePosixPath", "PosixPath", "PureWindowsPath"),
    "time": ("struct_time",),
    "types": ("SimpleNamespace",),
}
# Made empty, then given a state.
_BUILT = {
    "_io": ("BytesIO", "StringIO"),
    "builtins": ("object",),
    "collections": ("ChainMap", "UserDict", "UserList", "OrderedDict", "Counter"),
    "types": ("SimpleNamespace",),
}
# Only referred to: the type itself is the value, or another type's argument.
_NAMED = {
    "builtins": (
        *("int", "float", "bool", "str", "bytes", "list", "tuple", "dict"),
        *("Ellipsis", "NotImplemented"),
    )
}


@functools.cache
def find_stdlib(module: str, name: str) -> Grant | None:
    """The grant for a type of the standard library; None if there is none."""
    special = _SPECIAL.get(f"{module}.{name}")
    if special is not None:
        return special
    called, built = name in _CALLED.get(module, ()), name in _BUILT.get(module, ())
    if called or built or name in _NAMED.get(module, ()):
        value = getattr(importlib.import_module(module), name)
        state = set_state if built else None
        return Grant(value, value if called else None, new=built, build=state)
    if module == "builtins":
        value = vars(builtins).get(name)
        if isinstance(value, type) and issubclass(value, BaseException):
            return exception_grant(value)
    if module.partition(".")[0] in sys.stdlib_module_names:
        cls = find_class(module, name)
        if cls is not None and issubclass(cls, enum.Enum):
            return enum_grant(cls)
    return None


def _type_of(value: object) -> type:
    if value is not None and value is not ... and value is not NotImplemented:
        raise Refused("builtins.type")
    return type(value)


def _getattr(owner: object, name: object) -> object:
    """Pickle writes an enum's member (Python 3.11.0) and a time zone as attributes of a class."""
    if isinstance(owner, enum.EnumMeta) and type(name) is str:
        return owner[name]
    if owner is zoneinfo.ZoneInfo and name == "_unpickle":
        return Grant(Maker("zoneinfo.ZoneInfo._unpickle"), _time_zone)
    raise Refused("builtins.getattr")


def _builtin_type(name: object) -> Grant:
    """How cloudpickle writes the types that the module ``types`` names."""
    grant = find_stdlib("types", name) if type(name) is str else None
    if grant is None:
        raise Refused(f"types.{name}")
    return grant


def _time_zone(key: object, from_cache: object = True) -> zoneinfo.ZoneInfo:
    if type(key) is not str:
        raise Damaged("a time zone's key is no string")
    return zoneinfo.ZoneInfo(key)


def _byte_array(source: object = b"", encoding: object = None) -> bytearray:
    if type(source) is str and encoding == "latin-1":
        return bytearray(source, "latin-1")
    if not isinstance(source, bytes | bytearray):  # a number would be a size
        raise Damaged("a bytearray of what are no bytes")
    return bytearray(source)


def _default_dict(factory: object = None, *items: Any) -> Any:
    if factory is not None and factory not in _FACTORIES:
        raise Refused("collections.defaultdict with a factory of one's own")
    made: Any = collections.defaultdict
    return made(factory, *items)


_FACTORIES = (int, float, bool, str, bytes, list, tuple, dict, set, frozenset, complex)


def _pattern(pattern: object, flags: object = 0) -> re.Pattern[Any]:
    if type(pattern) not in (str, bytes) or not isinstance(flags, int):
        raise Damaged("a regular expression that is no text")
    return re.compile(pattern, flags)


def _array(cls: object, *parts: Any) -> object:
    if cls is not array.array:
        raise Refused("array._array_reconstructor")
    return array._array_reconstructor(array.array, *parts)  # type: ignore[attr-defined]


def _array_of(code: object, items: object = ()) -> array.array[Any]:
    if type(code) is not str or not isinstance(items, list | tuple | bytes):
        raise Damaged("an array of what is no list")
    return array.array(code, items)


def _fraction(numerator: object, denominator: object = 1) -> fractions.Fraction:
    # "1e999999999" would be made into an integer of a billion digits.
    if type(numerator) is str and _FRACTION.fullmatch(numerator):
        return fractions.Fraction(numerator)
    if type(numerator) is int and type(denominator) is int:
        return fractions.Fraction(numerator, denominator)
    raise Damaged("a fraction of what are no integers")


_FRACTION = re.compile(r"-?[0-9]+(/[0-9]+)?")


def _set_attribute(name: str, kind: type) -> Callable[[Any, Any], object]:
    """For types that hash themselves by one attribute: it must be of a type that hashes fast."""

    def build(instance: Any, state: Any) -> object:
        if type(state) is not dict or type(state.get(name)) is not kind:
            told = with_article(type(instance).__name__)
            raise Damaged(f"{told} whose {name} is no {kind.__name__}")
        return set_state(instance, state)

    return build


def _maker(name: str, call: Any) -> tuple[str, Grant]:
    return name, Grant(Maker(name), call)


_SPECIAL: dict[str, Grant] = dict(
    [
        _maker("builtins.type", _type_of),
        _maker("builtins.getattr", _getattr),
        _maker("cloudpickle.cloudpickle._builtin_type", _builtin_type),
        ("builtins.bytearray", Grant(bytearray, _byte_array)),
        ("fractions.Fraction", Grant(fractions.Fraction, _fraction)),
        ("uuid.UUID", Grant(uuid.UUID, new=True, build=_set_attribute("int", int))),
        (
            "collections.UserString",
            Grant(collections.UserString, new=True, build=_set_attribute("data", str)),
        ),
        ("collections.defaultdict", Grant(collections.defaultdict, _default_dict)),
        ("zoneinfo.ZoneInfo", Grant(zoneinfo.ZoneInfo)),
        _maker("re._compile", _pattern),
        ("array.array", Grant(array.array, _array_of)),
        _maker("array._array_reconstructor", _array),
    ]
)
