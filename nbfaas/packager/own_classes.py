"""The notebook's own classes, and exception classes known here, as a pickle may use them."""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any

from nbfaas.agent.failure import builtin_base
from nbfaas.packager.modules import is_local
from nbfaas.packager.unpickler import Damaged, Grant, Refused, set_state


def find_class(module: str, qualname: str) -> type | None:
    """The class of that name in a module that is loaded here; never imports, nor calls anything.

    Only a class that says itself that it is from that module: not what the module has imported.
    """
    namespace = getattr(sys.modules.get(module), "__dict__", {})
    found: object = None
    for name in qualname.split("."):
        found = namespace.get(name)
        if not isinstance(found, type):
            return None
        namespace = found.__dict__
    return found if isinstance(found, type) and found.__module__ == module else None


def is_own(module: str) -> bool:
    """Whether the module is the user's: the notebook, or a local module that it has imported."""
    return module == "__main__" or is_local(module)


def own_class(module: str, qualname: str) -> Grant:
    """What a pickle may do with a class of the user's. Raises ``Refused`` or ``Damaged``."""
    name = f"{module}.{qualname}"
    if not is_own(module):
        raise Refused(name)
    cls = find_class(module, qualname)
    if cls is None and qualname.partition(".")[0] not in vars(sys.modules[module]):
        raise Damaged(f"it holds a {name}, and there is no class of that name here")
    if cls is None and "<locals>" in qualname:
        raise Damaged(f"it holds a {name}, a class made inside a function, which has no name here")
    if cls is None or issubclass(cls, type):
        raise Refused(name)
    if issubclass(cls, enum.Enum):
        return enum_grant(cls)
    if issubclass(cls, BaseException):
        return exception_grant(cls)
    if any(base.__module__ == "_ctypes" for base in cls.__mro__):  # their state is raw memory
        raise Refused(name)
    numpy = sys.modules.get("numpy")
    if numpy is not None and issubclass(cls, numpy.ndarray):
        from nbfaas.packager.allowed_numpy import build_array

        custom = getattr(cls, "__setstate__", None) is not numpy.ndarray.__setstate__
        return Grant(cls, build=set_state if custom else build_array)
    # Its __init__ may do anything; so it is run only for classes that are pickled by a call.
    by_call = (
        cls.__reduce__ is not object.__reduce__ or cls.__reduce_ex__ is not object.__reduce_ex__
    )
    return Grant(cls, call=cls if by_call else None, new=True, build=set_state)


def enum_grant(cls: type[enum.Enum]) -> Grant:
    """Members are looked up, never made."""
    return Grant(cls, call=lambda value: cls(value))


def exception_grant(cls: type[BaseException]) -> Grant:
    return Grant(cls, call=_maker(cls), build=set_exception_state)


def _maker(cls: type[BaseException]) -> Callable[..., BaseException]:
    return lambda *args: make_exception(cls, args)


def make_exception(cls: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    """An instance made by the interpreter's own constructors alone: no ``__init__`` of a user's."""
    base: Any = builtin_base(cls)
    made: BaseException = base.__new__(cls, *args)
    base.__init__(made, *args)
    return made


def set_exception_state(error: BaseException, state: Any) -> BaseException:
    """Attributes from a state, by the interpreter's own descriptors: no setter of a user's."""
    if type(state) is not dict:
        raise Damaged("an exception's state is not a dict")
    base = builtin_base(type(error))
    for name, value in state.items():
        if type(name) is not str:
            raise Damaged("an exception's state is not a dict of names")
        slot = None if name.startswith("__") else getattr(base, name, None)
        if isinstance(slot, MemberDescriptorType | GetSetDescriptorType):
            slot.__set__(error, value)
        elif name == "__notes__" or not name.startswith("__"):
            error.__dict__[name] = value
    return error
