"""Which parts of an event a function gets: what its signature names. Pure.

=====================================  =========================================================
parameter                              gets
=====================================  =========================================================
annotated ``Event``, or named event    the Event
annotated ``Context``, or named        the Context
context
named data                             ``event.data``
any other                              the field of this name; if there is none, its default
``**kwargs``                           the fields that no parameter names
``*args``                              nothing
=====================================  =========================================================

Annotations go before names. The fields are those of ``event.data``, if it is an object; of an HTTP
request (``HTTP_REQUEST``) its path parameters, then its query, then its body, if that is an object.
What comes from the path or the query is text: it is made what the annotation says, if that is int,
float, bool, or a list of these. Arguments that a ``functools.partial`` has fixed stay as they are.

A plain call, ``function.remote(3)``, brings its arguments itself; only a Context that it does not
bring is added, to the first parameter that is annotated so, or named context and has no default.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from nbfaas.agent.annotation import Wanted, resolve_annotation, wanted
from nbfaas.agent.context import Context
from nbfaas.agent.conversion import Unconvertible, convert
from nbfaas.agent.event import Event
from nbfaas.agent.failure import Unbound

HTTP_REQUEST = "nbfaas.http.request"
"""The type of events whose data is ``{"method", "path", "path_parameters": {}, "query": {},
"headers": {}, "body"}``. Values of a query are str, or lists of str for names given repeatedly."""

_MOST_NAMES = 20  # of fields in a message
_NONE: Any = inspect.Parameter.empty


class Gets(Enum):
    EVENT = "the event"
    CONTEXT = "the context"
    DATA = "the event's data"
    FIELD = "a field"


class _Parameter(NamedTuple):
    name: str
    gets: Gets
    wanted: Wanted
    default: Any
    positional_only: bool


class Binding:
    """How one function is called with events, and with a Context; made once, from its signature.

    A function whose signature can't be had (some of those written in C) gets the Event alone.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._parameters: list[_Parameter] = []
        self._takes_rest = False
        self._fixed: frozenset[str] = frozenset()
        self._context: tuple[str, int] | None = None  # its name, and how many come before it
        self.takes_context = False
        """Whether it may get a Context."""
        if isinstance(function, functools.partial):
            self._fixed = frozenset(function.keywords)
        try:
            signature = inspect.signature(function)
        except Exception:  # noqa: BLE001 - a callable of the user's may raise anything when looked at
            self._known = False
            return
        self._known = True
        for parameter in signature.parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                self._takes_rest = True
            elif parameter.kind is not parameter.VAR_POSITIONAL and (
                parameter.name not in self._fixed
            ):
                self._parameters.append(_described(parameter, function))
                self._note_context(self._parameters[-1], parameter)
        self._named = self._fixed.union(each.name for each in self._parameters)

    def _note_context(self, described: _Parameter, parameter: inspect.Parameter) -> None:
        if described.gets is not Gets.CONTEXT:
            return
        self.takes_context = True
        asked = described.wanted.kind is Context or described.default is _NONE
        if asked and self._context is None and not described.positional_only:
            by_position = parameter.kind is parameter.POSITIONAL_OR_KEYWORD
            before = len(self._parameters) - 1 if by_position else sys.maxsize
            self._context = (described.name, before)

    def context_wanted(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
        """The parameter that a plain call with these arguments leaves to a Context, if any."""
        if self._context is None:
            return None
        name, before = self._context
        return None if name in kwargs or len(args) > before else name

    def may_use(self, field: str) -> bool:
        """Whether the function gets this field of an event, alone or among all the others."""
        if not self._known or self._takes_rest:
            return True
        return any(
            each.gets in (Gets.EVENT, Gets.DATA) or each.name == field for each in self._parameters
        )

    def __repr__(self) -> str:
        if not self._known:
            return "<Binding of an unknown signature>"
        each = [f"{parameter.name}: {parameter.gets.value}" for parameter in self._parameters]
        return f"<Binding {', '.join(each + ['**the rest'] * self._takes_rest) or 'of nothing'}>"

    def arguments(self, event: Event, context: Context) -> tuple[list[Any], dict[str, Any]]:
        """What to call the function with. Raises ``Unbound``."""
        if not self._known:
            return [event], {}
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        fields: _Fields | None = None
        for parameter in self._parameters:
            if parameter.gets is Gets.EVENT:
                value: Any = event
            elif parameter.gets is Gets.CONTEXT:
                value = context
            elif parameter.gets is Gets.DATA:
                value = event.data
            else:
                fields = fields or _Fields(event)
                value = fields.get(parameter)
            if parameter.positional_only:
                args.append(value)
            else:
                kwargs[parameter.name] = value
        if self._takes_rest:
            everything = (fields or _Fields(event)).everything()
            kwargs.update((k, v) for k, v in everything.items() if k not in self._named)
        return args, kwargs


def handler_arguments(handler: Callable[..., Any]) -> int:
    """How many of ``(event, context)`` a handler takes: they are passed by position, whatever its
    parameters are called."""
    try:
        parameters = inspect.signature(handler).parameters.values()
    except Exception:  # noqa: BLE001 - as above
        return 2
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return 2
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return min(2, sum(parameter.kind in by_position for parameter in parameters))


class _Fields:
    """The fields of one event, by their names."""

    def __init__(self, event: Event) -> None:
        data = event.data
        self._http = event.type == HTTP_REQUEST and isinstance(data, dict)
        self._texts: dict[str, tuple[str, Any]] = {}  # where it is, and the value
        self._values: Mapping[str, Any] = {}
        if self._http:
            for key, place in (("query", "query"), ("path_parameters", "path")):
                given = data.get(key)
                if isinstance(given, dict):
                    self._texts.update((name, (place, value)) for name, value in given.items())
            data = data.get("body")
        if isinstance(data, dict):
            self._values = data
        self._data = data

    def everything(self) -> dict[str, Any]:
        return {**self._values, **{name: value for name, (_, value) in self._texts.items()}}

    def get(self, parameter: _Parameter) -> Any:
        name = parameter.name
        if name in self._texts:
            place, text = self._texts[name]
            try:
                return convert(text, parameter.wanted)
            except Unconvertible as error:
                raise Unbound(name, f"in the {place} it is {error}") from None
        if name in self._values:
            return self._values[name]
        if parameter.default is not _NONE:
            return parameter.default
        raise Unbound(name, f"it is required, and {self._what_there_is()}")

    def _what_there_is(self) -> str:
        names = sorted(self.everything())
        listed = ", ".join(repr(name)[:100] for name in names[:_MOST_NAMES])
        if len(names) > _MOST_NAMES:
            listed += f" and {len(names) - _MOST_NAMES} more"
        if self._http:
            there = f"there are {listed}" if names else "there are no fields"
            return f"neither path, query nor body of the request has it ({there})"
        if isinstance(self._data, dict):
            return f"the event's data has no such field (it has {listed or 'none'})"
        kind = "null" if self._data is None else f"of type {type(self._data).__name__}"
        return f"the event's data is {kind}, which has no fields"


def _described(parameter: inspect.Parameter, function: Callable[..., Any]) -> _Parameter:
    annotation = resolve_annotation(parameter.annotation, function)
    what = wanted(annotation)
    gets = Gets.FIELD
    if what.kind is Event:
        gets = Gets.EVENT
    elif what.kind is Context:
        gets = Gets.CONTEXT
    elif parameter.name in _BY_NAME:
        gets = _BY_NAME[parameter.name]
    positional_only = parameter.kind is parameter.POSITIONAL_ONLY
    return _Parameter(parameter.name, gets, what, parameter.default, positional_only)


_BY_NAME = {"event": Gets.EVENT, "context": Gets.CONTEXT, "data": Gets.DATA}
