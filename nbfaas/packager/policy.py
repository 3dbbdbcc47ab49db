"""What a pickle from a sandbox may find, and the reading of one under that policy."""

from __future__ import annotations

import copyreg
import importlib
from collections.abc import Sequence
from typing import Any

from nbfaas.agent.codec import resolve, writable
from nbfaas.agent.event import Event, restore
from nbfaas.agent.wire import Bytes
from nbfaas.packager.allowed_numpy import find_numpy
from nbfaas.packager.allowed_pandas import find_pandas
from nbfaas.packager.allowed_stdlib import find_stdlib
from nbfaas.packager.own_classes import is_own, own_class
from nbfaas.packager.plain import NotPlain, load_plain
from nbfaas.packager.unpickler import CheckedUnpickler, Damaged, Grant, Maker, Refused


def load_checked(parts: Sequence[Bytes], trust: tuple[str, ...] = ()) -> Any:
    """Raises ``Refused``, ``Damaged``, or whatever an allowed class raises."""
    if not parts:
        raise Damaged("it is empty")
    data = parts[0]
    buffers = [writable(part) for part in parts[1:]]
    # Registered extension codes would be resolved without find_class.
    if not copyreg._inverted_registry:  # type: ignore[attr-defined]
        try:
            return load_plain(data, buffers)
        except NotPlain:
            pass
        except Damaged:
            raise
        except Exception as error:  # noqa: BLE001 - damaged pickles raise nearly anything
            raise Damaged(f"{type(error).__name__}: {error}") from None
    policy = _Policy(trust)
    data = data if type(data) is bytes else bytes(data)
    return CheckedUnpickler(policy.find, policy.trusts).load(data, buffers)


class _Policy:
    def __init__(self, trust: tuple[str, ...]) -> None:
        self._trust = trust

    def find(self, module: str, name: str) -> Grant:
        top = module.partition(".")[0]
        if module == "nbfaas.agent.codec" and name == "class_by_name":
            return _CLASS_BY_NAME
        if module == "nbfaas.agent.event" and name == "restore":
            return _EVENT
        if module == "copyreg" and name == "_reconstructor":
            return Grant(Maker("copyreg._reconstructor"), self._reconstruct)
        grant: Grant | None = None
        if top == "numpy":
            grant = find_numpy(module, name)
        elif top == "pandas":
            grant = find_pandas(module, name)
        else:
            grant = find_stdlib(module, name)
        if grant is None and self._trusts_module(module):
            found: Any = resolve(importlib.import_module(module), name)
            # Not what the trusted module has imported from elsewhere: sklearn.base.os.system.
            home = getattr(found, "__module__", None) or type(found).__module__
            if found is not None and self._trusts_module(home):
                return Grant(found, found, new=isinstance(found, type))
        if grant is None and is_own(module):
            return own_class(module, name)
        if grant is None:
            raise Refused(f"{module}.{name}")
        return grant

    def trusts(self, cls: type) -> bool:
        return self._trusts_module(cls.__module__)

    def _trusts_module(self, module: str) -> bool:
        return any(module == each or module.startswith(f"{each}.") for each in self._trust)

    def _reconstruct(self, cls: Any, base: Any, state: Any) -> object:
        """How protocols 0 and 1 make instances; some ``__reduce__`` still ask for it."""
        if not isinstance(cls, type) or base is not object or state is not None:
            raise Refused("copyreg._reconstructor")
        if not self.find(cls.__module__, cls.__qualname__).new:
            raise Refused(f"{cls.__module__}.{cls.__qualname__}")
        return object.__new__(cls)


def _class_by_name(module: Any, qualname: Any) -> Grant:
    if type(module) is not str or type(qualname) is not str:
        raise Damaged("a class without a name")
    return own_class(module, qualname)


_CLASS_BY_NAME = Grant(Maker("nbfaas.agent.codec.class_by_name"), _class_by_name)


def _event(found: Any) -> Event:
    """Events are made of what JSON knows, and checked as they are made."""
    if type(found) is not dict:
        raise Damaged("an event that is no dict")
    return restore(found)


_EVENT = Grant(Maker("nbfaas.agent.event.restore"), _event)
