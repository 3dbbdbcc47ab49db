"""What a widget's view may ask for: methods marked ``@action``, called with what the view sent.

What comes is checked against the method's annotations before it is called, so that a method gets
what it declares, or is not called.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from nbfaas.errors import NbfaasError

F = TypeVar("F", bound=Callable[..., object])

_MARK = "_nbfaas_action"


class BadAction(NbfaasError):
    """A view asked for something that its widget does not do, or not in that form."""


def action(method: F) -> F:
    """Let views call ``method(self, ...)`` under its name. Its parameters are annotated with what
    msgspec can check (``int``, ``list[str]``, ``Literal["a", "b"]``, a Struct, ``dict[str, Any]``),
    and what it returns must be JSON: the view gets it as the answer."""
    setattr(method, _MARK, True)
    return method


def actions_of(kind: type) -> dict[str, type[msgspec.Struct]]:
    """The actions of a class, each with the struct that its payload has to be."""
    return {
        name: _shape(method)
        for name, method in inspect.getmembers_static(kind, inspect.isfunction)
        if getattr(method, _MARK, False)
    }


def arguments(shape: type[msgspec.Struct], name: str, payload: object) -> dict[str, Any]:
    """``payload`` as keyword arguments. Raises ``BadAction``."""
    try:
        found = msgspec.convert(payload, shape)
    except msgspec.ValidationError as error:
        raise BadAction(f"{name}: {error}") from None
    return {field: getattr(found, field) for field in shape.__struct_fields__}


def _shape(method: Callable[..., object]) -> type[msgspec.Struct]:
    hints = typing.get_type_hints(method)
    fields: list[Any] = []
    for parameter in list(inspect.signature(method).parameters.values())[1:]:
        hint = hints.get(parameter.name, Any)
        if parameter.default is parameter.empty:
            fields.append((parameter.name, hint))
        else:
            fields.append((parameter.name, hint, parameter.default))
    return msgspec.defstruct(
        method.__name__, fields, forbid_unknown_fields=True, kw_only=True, frozen=True
    )
