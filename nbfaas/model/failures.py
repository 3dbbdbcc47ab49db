"""The errors of nbfaas as data, so that who asked in another process gets them with their types."""

from __future__ import annotations

import concurrent.futures
from typing import Any

import msgspec

from nbfaas import errors
from nbfaas.errors import NbfaasError, RemoteError

_PLAIN = (str, int, float, bool, type(None))


class ErrorTold(msgspec.Struct, frozen=True):
    """``type`` is the name of its class; ``attributes`` are those that are plain values."""

    type: str
    message: str
    attributes: dict[str, Any]


def tell(error: BaseException) -> ErrorTold:
    """Never raises."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - a class of the user's
        message = ""
    attributes = {
        name: value
        for name, value in vars(error).items()
        if isinstance(value, _PLAIN) and not name.startswith("_")
    }
    return ErrorTold(type(error).__name__, message, attributes)


def told(error: ErrorTold) -> BaseException:
    """The error: of its class if that is nbfaas' own, else a ``RemoteError``."""
    if error.type == "CancelledError":
        return concurrent.futures.CancelledError(error.message)
    kind = _kind(error.type)
    if kind is None:
        return RemoteError(error.type, error.message)
    # Their constructors take what the message was made of; so that of the builtin is called which
    # Python has laid the class out for (there may be several: OutOfMemory is a MemoryError, too).
    base: type[Any] = kind
    while base.__module__ != "builtins" and base.__base__ is not None:
        base = base.__base__
    new: Any = base.__new__
    made: NbfaasError = new(kind)
    made.args = (error.message,)
    made.__dict__.update(
        (name, value)
        for name, value in error.attributes.items()
        if not (name.startswith("_") or callable(getattr(kind, name, None)))
    )
    return made


def _kind(name: str) -> type[NbfaasError] | None:
    found: Any = getattr(errors, name, None)
    if found is None:
        found = next((each for each in _below(NbfaasError) if each.__name__ == name), None)
    known = isinstance(found, type) and issubclass(found, NbfaasError)
    return found if known else None


def _below(kind: type[NbfaasError]) -> list[type[NbfaasError]]:
    return [each for sub in kind.__subclasses__() for each in (sub, *_below(sub))]
