"""Turning the payload of a LOAD frame into something that can be called."""

from __future__ import annotations

import importlib.util
import os
import types
from collections.abc import Callable
from typing import Any

from nbfaas.agent import codec
from nbfaas.agent.cell import remember_source
from nbfaas.agent.context import Context

# Called with the arguments and the INVOKE frame's control.
Runnable = Callable[[tuple[Any, ...], dict[str, Any], dict[str, object]], Any]


class MissingModule(Exception):
    """The function needs a module that is not here."""


class NoHandler(Exception):
    """The cell defines no ``handler``."""


def load(control: dict[str, Any], payload: bytes) -> Runnable:
    """Return the callable of a function, or of a handler's module.

    Raises ``MissingModule``, ``NoHandler``, or whatever the code raises while it is loaded.
    """
    os.environ.update(control.get("env") or {})
    for module in control.get("requires") or ():
        if importlib.util.find_spec(module) is None:
            raise MissingModule(module)
    if control.get("entry") == "handler":
        return _load_handler(control, payload.decode())
    function = codec.load_function(payload)
    return lambda args, kwargs, invoke: function(*args, **kwargs)


def _load_handler(control: dict[str, Any], source: str) -> Runnable:
    filename = control.get("filename") or "<handler>"
    remember_source(filename, source)
    module = types.ModuleType("__main__")
    module.__file__ = filename
    code = compile(source, filename, "exec", dont_inherit=True)
    exec(code, module.__dict__)  # noqa: S102 - running the user's handler is what this is for
    handler = module.__dict__.get("handler")
    if not callable(handler):
        raise NoHandler(
            "the cell defines no function named 'handler'; it needs `def handler(event, context):`"
        )

    def run(args: tuple[Any, ...], kwargs: dict[str, Any], invoke: dict[str, object]) -> Any:
        event = args[0] if args else None
        return handler(event, Context(control, invoke))

    return run
