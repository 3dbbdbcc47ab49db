"""Running a ``%%faas`` cell in a sandbox, and bringing back what it made."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from nbfaas.agent.cell import run_cell
from nbfaas.errors import NamesNotPulled, NotPicklable
from nbfaas.model.function import FunctionOptions
from nbfaas.notebook.cell_source import CellSource, import_statements
from nbfaas.remote.call import FunctionCall
from nbfaas.remote.cell_value import CELL, load_part
from nbfaas.remote.function import RemoteFunction

_CODE = (FunctionType, type, ModuleType, RemoteFunction)


class CellFunction(RemoteFunction[Any, dict[str, Any]]):
    """What runs a cell. Errors tell the options of ``%%faas`` as their remedy."""

    _is_cell = True


def cell_function(
    source: CellSource, names: dict[str, Any], options: FunctionOptions
) -> tuple[RemoteFunction[Any, dict[str, Any]], dict[str, Any]]:
    """The function that runs the cell, and the data it takes.

    Functions, classes and modules go with the function, so that local modules they need are
    shipped; data goes with the call. So the cell can be changed, and run on other data, in a
    sandbox that is warm already.
    """
    code = {name: value for name, value in names.items() if isinstance(value, _CODE)}
    data = {name: value for name, value in names.items() if name not in code}
    run = functools.partial(run_cell, code=code, imports=_imports(source))
    return CellFunction(run, options, CELL), data


def _imports(source: CellSource) -> FunctionType:
    """A function that is never called: it shows the packager what the cell imports."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    text = f"def imports():\n {import_statements(source.tree)}"
    exec(compile(text, "<imports>", "exec"), namespace)  # noqa: S102 - defines a function of imports
    function: FunctionType = namespace["imports"]
    return function


def start(function: RemoteFunction[Any, Any], arguments: tuple[Any, ...]) -> FunctionCall[Any]:
    """Start the cell, and return at once. The call's result is the cell's value."""
    return function.spawn(*arguments)


def pull_into(
    namespace: dict[str, Any],
    names: tuple[str, ...],
    answer: dict[str, Any],
    trust: tuple[str, ...],
) -> None:
    """Set those of the ``names`` in ``namespace`` that the cell has brought, and no others. Raises
    ``NamesNotPulled`` when it has set what it can."""
    pulled: dict[str, object] = answer["pulled"] if type(answer["pulled"]) is dict else {}
    refused: dict[str, str] = {}
    for name in names:
        if name in pulled:
            value, reason = load_part(pulled[name], trust)
            if reason is None:
                namespace[name] = value
            else:
                refused[name] = reason
    missing = tuple(name for name in names if name not in pulled)
    if refused or missing:
        raise NamesNotPulled(missing, refused)


@contextlib.contextmanager
def explained(names: dict[str, Any]) -> Iterator[None]:
    """Put errors into the words of cells. ``names`` are the variables that were to be sent."""
    try:
        yield
    except NotPicklable as error:
        for name in names:
            if f"[{name!r}]" in error.path:
                _, _, after = error.path.partition(f"[{name!r}]")
                what = f"the variable {name!r}, which the cell reads,"
                raise NotPicklable(what, f"{name}{after}", error.reason) from None
        raise
