"""``nbfaas.simulate``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbfaas.errors.simulator import UnknownFunction
from nbfaas.events.locally import find_function
from nbfaas.notebook.widgets.simulator.widget import Simulator
from nbfaas.remote.decorator import functions
from nbfaas.remote.triggers import TriggerHandle, TriggerList, triggers


def simulate(
    what: Callable[..., Any] | TriggerHandle | TriggerList | str | None = None,
) -> Simulator:
    """The event simulator, to be displayed in a notebook.

    ``what`` it is for: a function (its type hints make the form), a trigger, or the name of either;
    None, or ``nbfaas.triggers``: the bus. Raises ``UnknownFunction``.
    """
    if what is None or isinstance(what, TriggerList):
        return Simulator()
    if isinstance(what, TriggerHandle):
        return Simulator(trigger=what.name)
    if isinstance(what, str) and what not in functions:
        if what not in triggers:
            raise UnknownFunction(what, [*functions, *(each.name for each in triggers)])
        return Simulator(trigger=what)
    name = what if isinstance(what, str) else None
    return Simulator(function=find_function(what), name=name)
