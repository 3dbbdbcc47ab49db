"""Turning the payload of a LOAD frame into something that can be called."""

from __future__ import annotations

import importlib.util
import os
import types
from collections.abc import Callable
from typing import Any, NamedTuple

from nbfaas.agent import codec
from nbfaas.agent.binding import Binding, handler_arguments
from nbfaas.agent.cell import remember_source
from nbfaas.agent.context import Context, Provided
from nbfaas.agent.event import Event


class Loaded(NamedTuple):
    """A function or a handler, ready to run. The last argument is the INVOKE frame's control."""

    call: Callable[[tuple[Any, ...], dict[str, Any], dict[str, Any]], Any]
    """With arguments, as ``function.remote`` takes them."""
    receive: Callable[[Event, dict[str, Any]], Any]
    """With an event. Raises ``Unbound`` if the event lacks what the signature asks for."""
    takes_context: bool
    """Whether it may get a ``Context`` at all."""


class MissingModule(Exception):
    """The function needs a module that is not here."""


class NoHandler(Exception):
    """The cell defines no ``handler``."""


def load(control: dict[str, Any], payload: bytes, provided: Provided | None = None) -> Loaded:
    """Load a function, or a handler's module. ``provided`` is what its contexts have.

    Raises ``MissingModule``, ``NoHandler``, or whatever the code raises while it is loaded.
    """
    os.environ.update(control.get("env") or {})
    for module in control.get("requires") or ():
        if importlib.util.find_spec(module) is None:
            raise MissingModule(module)
    if control.get("entry") == "handler":
        return _load_handler(control, payload.decode(), provided)
    function = codec.load_function(payload)
    # With isolation="call" each invocation is a fork: what is looked up here is so only once.
    binding = Binding(function)

    def receive(event: Event, invoke: dict[str, Any]) -> Any:
        args, kwargs = binding.arguments(event, Context(control, invoke, event, provided))
        return function(*args, **kwargs)

    def call(args: tuple[Any, ...], kwargs: dict[str, Any], invoke: dict[str, Any]) -> Any:
        name = binding.context_wanted(args, kwargs)
        if name is not None:
            kwargs = {**kwargs, name: Context(control, invoke, None, provided)}
        return function(*args, **kwargs)

    if binding.takes_context:
        return Loaded(call, receive, True)
    return Loaded(lambda args, kwargs, invoke: function(*args, **kwargs), receive, False)


def _load_handler(control: dict[str, Any], source: str, provided: Provided | None) -> Loaded:
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

    taken = handler_arguments(handler)

    def call(args: tuple[Any, ...], _: dict[str, Any], invoke: dict[str, Any]) -> Any:
        context = Context(control, invoke, None, provided)
        return handler(*(args[0] if args else None, context)[:taken])

    def receive(event: Event, invoke: dict[str, Any]) -> Any:
        return handler(*(event, Context(control, invoke, event, provided))[:taken])

    return Loaded(call, receive, taken > 1)
