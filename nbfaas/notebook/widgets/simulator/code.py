"""The draft as code, to be copied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from nbfaas.agent.event import Event
from nbfaas.errors.simulator import SimulatorError
from nbfaas.events import as_curl, as_pytest, as_python, which
from nbfaas.remote.decorator import functions
from nbfaas.remote.endpoint import endpoint


def code_of(
    kind: Literal["python", "curl", "pytest"],
    event: Event,
    function: str,
    find: Callable[[str], Callable[..., Any]],
) -> str:
    """For curl, the gateway listens from now on. ``function``: whom a test is for; "": the first
    one whose rule matches."""
    if kind == "python":
        return as_python(event)
    if kind == "curl":
        return as_curl(event, endpoint().url)
    names = [function] if function else [each.target for each in which(event).matched]
    known = [name for name in names if function or name in functions]
    if not known:
        problem = "a test calls a function: no rule matches the event, so choose one for the form"
        raise SimulatorError(problem)
    return as_pytest(event, find(known[0]))
