"""The value of a ``%%faas`` cell, from what ``nbfaas.agent.cell.run_cell`` has returned."""

from __future__ import annotations

from typing import Any

from nbfaas.dispatch.invocation import Invocation
from nbfaas.errors import InvocationError, ResultUnreadable
from nbfaas.packager.trust import load_result
from nbfaas.pictures.text import plain

CELL = "cell"
"""The name under which cells run."""
_KEYS = {"value", "text", "pulled", "missing"}


class TextValue:
    """The value of a cell that could not be brought back: its repr there, and ``reason``."""

    def __init__(self, text: str, reason: str) -> None:
        self.text = text
        self.reason = reason

    def __repr__(self) -> str:
        return plain(self.text)


def is_answer(function: str, result: object) -> bool:
    """Whether ``result`` is what a cell's run has returned, and no function's own value."""
    return function == CELL and type(result) is dict and result.keys() == _KEYS


def result_of(invocation: Invocation) -> Any:
    """What an invocation that succeeded has for its caller: of a cell, the cell's value."""
    function = invocation.function
    if not function.is_cell:
        return invocation.value
    return value_of(invocation.value, function.options.trust)


def value_of(answer: dict[str, Any], trust: tuple[str, ...]) -> Any:
    """The cell's value from what ``run_cell`` has returned; a ``TextValue`` if it can't be had.

    Raises ``ResultUnreadable`` for what ``run_cell`` can't have returned.
    """
    if not is_answer(CELL, answer):
        raise ResultUnreadable(CELL, "it is not what the run of a cell returns")
    parts = answer["value"]
    if parts is None:
        return None
    value, reason = load_part(parts, trust)
    return value if reason is None else TextValue(_text(answer["text"]), reason)


def load_part(parts: object, trust: tuple[str, ...]) -> tuple[Any, str | None]:
    """The value, or the reason why there is none."""
    if not isinstance(parts, list):
        return None, f"it can't be pickled, because of {plain(_text(parts))}"
    try:
        return load_result(parts, function=CELL, trust=trust), None
    except InvocationError as error:
        kind = getattr(error, "type_name", None)
        if kind is None:
            return None, plain(str(error)).rstrip(".")
        module = plain(str(kind)).partition(".")[0]
        return None, (
            f"it is a {plain(str(kind))}, which is not unpickled here because that could run code "
            f"from the sandbox; if you trust it, add --trust {module}"
        )


def _text(value: object) -> str:
    """Text; of what a sandbox says instead of text, not even the repr is made."""
    return value if type(value) is str else f"<{type(value).__name__}>"
