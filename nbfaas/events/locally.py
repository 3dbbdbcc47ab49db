"""Calling a function here, as its sandbox would with an event."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from nbfaas.agent.binding import Binding
from nbfaas.agent.context import Context
from nbfaas.agent.event import Event
from nbfaas.agent.failure import Unbound
from nbfaas.errors import BindingError, UnknownFunction


def call_locally(
    function: Callable[..., Any] | str,
    event: Event,
    *,
    attempt: int = 1,
    trigger: str | None = None,
) -> Any:
    """Call ``function`` (or the one of this session with that name) with ``event``, in this very
    process, and return what it returns.

    Its parameters are bound as in a sandbox, with a real ``Context``, state and secrets included;
    no rule is asked, nothing is delivered, no limit is enforced, and what the function raises is
    raised. ``attempt`` and ``trigger`` are what the context says. Raises ``BindingError`` if the
    event lacks what the function needs, and ``UnknownFunction``.
    """
    from nbfaas.remote.function import HandlerFunction, RemoteFunction
    from nbfaas.remote.here import ProvidedHere

    function = find_function(function)
    name = str(getattr(function, "name", None) or getattr(function, "__name__", repr(function)))
    load: dict[str, Any] = {"function": name, "version": "local"}
    invoke: dict[str, Any] = {
        "id": f"local-{uuid.uuid4().hex[:8]}",
        "attempt": attempt,
        "trigger": trigger,
    }
    provided = ProvidedHere(name, ())
    if isinstance(function, RemoteFunction):
        provided = function.provided_here()
        load["memory"] = function.options.resources.memory
        invoke["timeout"] = function.options.timeout
    if isinstance(function, HandlerFunction):
        return function.receive_here(event, invoke)
    try:
        context = Context(load, invoke, event, provided)
        args, kwargs = Binding(function).arguments(event, context)
    except Unbound as error:
        raise BindingError(name, error.parameter, error.problem) from None
    return function(*args, **kwargs)


def find_function(function: Callable[..., Any] | str) -> Callable[..., Any]:
    """The function of this session with the name, or the function itself. Raises
    ``UnknownFunction``."""
    if not isinstance(function, str):
        return function
    from nbfaas.remote.decorator import functions

    if function not in functions:
        raise UnknownFunction(function, functions)
    return functions[function]
