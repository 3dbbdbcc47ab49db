"""``@remote``, and the names under which functions are known in this session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, overload

from nbfaas.errors import OptionError
from nbfaas.model.function import FunctionOptions
from nbfaas.remote.function import RemoteFunction
from nbfaas.remote.options import parse_options

P = ParamSpec("P")
R = TypeVar("R")

functions: dict[str, RemoteFunction[Any, Any]] = {}
"""The functions of this session by name; running a cell again replaces the function."""


@overload
def remote(function: Callable[P, R], /) -> RemoteFunction[P, R]: ...
@overload
def remote(**options: Any) -> Callable[[Callable[P, R]], RemoteFunction[P, R]]: ...


def remote(function: Any = None, /, **options: Any) -> Any:
    """Make a function that can run in a sandbox: ``@remote``, or ``@remote(memory="2GB", …)``.

    Options: ``image`` (a runtime's name, a Docker reference, an ``Image``), ``cpu`` (cores),
    ``memory`` and ``scratch`` (bytes or ``"512MB"``; scratch is /tmp), ``timeout`` (seconds for an
    attempt), ``retries`` (a number or ``Retries``), ``max_containers``, ``env``, ``volumes``
    (``{"/data": "./data:ro", "/cache": "name"}``), ``network`` (off unless True), ``isolation``
    (``"reuse"``, or ``"call"`` for a fresh process for each call), ``trust`` (modules whose types
    may come back as results), ``secrets`` (``[Secret.from_env("API_KEY")]``, for
    ``context.secrets``). Raises ``OptionError``.
    """
    parsed = parse_options(FunctionOptions(), options)

    def decorate(function: Callable[P, R]) -> RemoteFunction[P, R]:
        if isinstance(function, RemoteFunction):
            return register(function.with_options(**options))
        if isinstance(function, type):
            raise OptionError(
                "function",
                function,
                "a class can't run in a sandbox; decorate a function, or a method of the class",
            )
        if not callable(function):
            raise OptionError(
                "function", function, "decorate a function: @remote, or @remote(memory='1GB')"
            )
        name = getattr(function, "__name__", type(function).__name__)
        return register(RemoteFunction(function, parsed, name))

    return decorate if function is None else decorate(function)


F = TypeVar("F", bound=RemoteFunction[Any, Any])


def register(function: F) -> F:
    """Make the function known by its name, in the place of an earlier one of that name."""
    earlier = functions.get(function.name)
    if earlier is not None and earlier is not function:
        earlier.retire()
    functions[function.name] = function
    return function
