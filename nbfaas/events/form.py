"""What a function of this session wants an event's data to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbfaas.model.data_schema import data_schema


def schema_of(function: Callable[..., Any] | str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the data of the events that ``function`` takes: a
    function, or the name of one of this session.

    A parameter named data is the whole data; those that get the event or the context are left out;
    any other is a field, required if it has no default. Annotations may be all that msgspec knows:
    dataclasses, TypedDicts, Structs, lists, Optional, Literal, Enum, datetime, …; what it does not
    know, and what has no annotation, may be anything. A handler's cell (``%%faas --name``) says
    nothing of its data. A deployed function has the schema that it was deployed with. Raises
    ``UnknownFunction``.
    """
    from nbfaas.events.locally import find_function
    from nbfaas.remote.function import RemoteFunction

    found = find_function(function)
    deployed = found.data_schema if isinstance(found, RemoteFunction) else None
    return data_schema(found) if deployed is None else deployed
