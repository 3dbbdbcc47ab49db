"""``nbfaas.simulate``."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from nbfaas.errors.serve import ServerRefused
from nbfaas.errors.simulator import UnknownFunction
from nbfaas.events.locally import find_function
from nbfaas.notebook.widgets.simulator.widget import Simulator
from nbfaas.remote.decorator import functions
from nbfaas.remote.triggers import TriggerHandle, TriggerList, triggers
from nbfaas.service import current_service


def simulate(
    what: Callable[..., Any] | TriggerHandle | TriggerList | str | None = None,
) -> Simulator:
    """The event simulator, to be displayed in a notebook.

    ``what`` it is for: a function (its type hints make the form), a trigger, or the name of either;
    None, or ``nbfaas.triggers``: the bus. Of a server that this notebook works on, a name can be
    that of a function that is deployed there: ``thumb`` or ``thumb:dev``. Raises
    ``UnknownFunction``.
    """
    if what is None or isinstance(what, TriggerList):
        return Simulator()
    if isinstance(what, TriggerHandle):
        return Simulator(trigger=what.name)
    if isinstance(what, str) and what not in functions:
        if what not in triggers:
            return Simulator(function=_on_server(what), name=what)
        return Simulator(trigger=what)
    name = what if isinstance(what, str) else None
    return Simulator(function=find_function(what), name=name)


def _on_server(name: str) -> Callable[..., Any]:
    """What the server that this notebook works on serves by this name. Raises
    ``UnknownFunction``."""
    known = [*functions]
    place = current_service()
    if place is not None and place.there is not None:
        try:
            served: Callable[..., Any] = place.there.function(name)
            return served
        except ServerRefused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
        known += place.there.served()
    raise UnknownFunction(name, [*known, *(each.name for each in triggers)])
