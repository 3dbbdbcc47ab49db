"""What an annotation asks for, as far as events can give it."""

from __future__ import annotations

import builtins
import functools
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any, NamedTuple

from nbfaas.agent.context import Context
from nbfaas.agent.event import Event

_KINDS = (Event, Context, int, float, bool, str)


class Wanted(NamedTuple):
    """``kind`` is one of Event, Context, int, float, bool, str, or None for anything else;
    ``many``: a list of it."""

    kind: type | None = None
    many: bool = False


def wanted(annotation: object) -> Wanted:
    """What ``annotation`` asks for: ``int | None``, ``Optional[int]`` and ``Annotated[int, …]`` are
    int. With other alternatives nothing is asked for, unless one of them is Event or Context."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return wanted(arguments[0])
    if origin is typing.Union or origin is types.UnionType:
        found = [wanted(each) for each in arguments if each is not type(None)]
        special = [each for each in found if each.kind in (Event, Context)]
        return special[0] if special else found[0] if len(found) == 1 else Wanted()
    if origin is list or annotation is list:
        item = wanted(arguments[0]) if arguments else Wanted()
        return Wanted() if item.many or item.kind in (Event, Context) else Wanted(item.kind, True)
    for kind in _KINDS:
        if annotation is kind:
            return Wanted(kind)
    return Wanted()


def resolve_annotation(annotation: object, function: Callable[..., Any]) -> object:
    """The annotation itself where it is a string; None if that can't be evaluated.

    A function that was pickled by value has those globals only that its code refers to, which what
    its annotations name need not be among. So Event, Context and ``typing`` are known anyway.
    """
    if not isinstance(annotation, str):
        return annotation
    for own in (_globals(function), {}):
        try:
            # The function's own names go first. It is the user's code, in the sandbox.
            return eval(annotation, dict(_KNOWN), own)  # noqa: S307
        except Exception:  # noqa: BLE001, S112 - an annotation may be anything
            continue
    return None


_KNOWN: dict[str, Any] = {
    "__builtins__": builtins,
    "Annotated": typing.Annotated,
    "Any": Any,
    "Context": Context,
    "Event": Event,
    "Optional": typing.Optional,
    "Union": typing.Union,
    "nbfaas": types.SimpleNamespace(Context=Context, Event=Event),
    "typing": typing,
}


def _globals(function: object) -> dict[str, Any]:
    """Of the Python function that ``function`` comes down to."""
    for _ in range(16):  # wrappers may wrap each other
        if isinstance(function, functools.partial):
            function = function.func
        elif inspect.isclass(function):
            function = function.__init__
        elif (inner := getattr(function, "__wrapped__", None)) is not None:
            function = inner
        elif inspect.ismethod(function):
            function = function.__func__
        elif inspect.isfunction(function):
            return function.__globals__
        else:
            function = getattr(type(function), "__call__", None)  # noqa: B004
    return {}
