"""Exception types that are known by name only: nothing is imported to tell whether one was raised.

What a deployed function is retried on stands in its manifest, whoever wrote that. So what a name
stands for is never looked up: it is compared with the names of the classes of what was raised, as
they are here, or, for a type that is not, as the sandbox has told them.
"""

from __future__ import annotations

import builtins
from functools import lru_cache
from typing import cast


class _ByName(type):
    """The type of classes of which only the name is known: that of an instance's class or base."""

    def __instancecheck__(cls, instance: BaseException) -> bool:
        wanted = f"{cls.__module__}.{cls.__qualname__}"
        told = getattr(vars(instance).get("remote_traceback"), "bases", ())
        return wanted in told or any(
            f"{each.__module__}.{each.__qualname__}" == wanted for each in type(instance).__mro__
        )


def name_of(kind: type[BaseException]) -> str:
    """``builtins:ValueError``"""
    return f"{kind.__module__}:{kind.__qualname__}"


@lru_cache(1024)
def exception_named(name: str) -> type[BaseException]:
    """A class for ``isinstance``, with this ``name_of``: Python's own, or one that is known by name
    only. Raises ``ValueError`` for what can't be an exception's name."""
    module, _, qualname = name.partition(":")
    if not (module and qualname and name.isprintable()):
        raise ValueError("is no MODULE:NAME")
    if module != "builtins":
        made = _ByName(qualname, (Exception,), {"__module__": module, "__qualname__": qualname})
        return cast(type[BaseException], made)
    kind = vars(builtins).get(qualname)
    if isinstance(kind, type) and issubclass(kind, BaseException):
        return kind
    raise ValueError("is no exception of this Python")
