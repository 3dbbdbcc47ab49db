"""A cell's text: checked before anything is dispatched, and known to tracebacks."""

from __future__ import annotations

import ast
import re
from types import FunctionType, ModuleType
from typing import Any

from nbfaas.errors import CellError
from nbfaas.notebook.names import free_names

# What IPython keeps under such names are earlier inputs and outputs: _, _i, _3, _i3.
_IPYTHONS_OWN = re.compile(r"_+|_i+|_i?\d+|__\w+__")


class CellSource:
    """The text of a ``%%faas`` cell.

    ``text`` has a blank line in the place of the ``%%faas`` line, so that line numbers are the
    cell's; ``filename`` is the name under which IPython shows it: ``Cell In[3]``.
    """

    def __init__(self, shell: Any, cell: str) -> None:
        self.text = "\n" + cell
        # (execution_count is, depending on IPython's version, that of the next cell already.)
        number = len(shell.history_manager.input_hist_parsed) - 1
        self.filename: str = shell.compile.cache(self.text, number)
        self.tree = self._parse(shell, cell)

    def __repr__(self) -> str:
        return f"<CellSource {self.filename} {len(self.text)} characters>"

    def _parse(self, shell: Any, cell: str) -> ast.Module:
        try:
            tree = ast.parse(self.text, self.filename)
            compile(tree, self.filename, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        except SyntaxError as error:
            found = _ipython_line(shell, cell)
            if found is None:
                raise _in_cell(error) from None
            number, line = found
            raise CellError(
                f"line {number} of the cell is IPython syntax: {line.strip()!r}. A sandbox runs "
                "plain Python only: use subprocess.run([...]) for commands, and leave magics to "
                "cells without %%faas."
            ) from None
        return tree

    def names_from(self, namespace: dict[str, Any], hidden: dict[str, Any]) -> dict[str, Any]:
        """The values that the cell needs from ``namespace``; ``hidden`` are IPython's own."""
        return {
            name: namespace[name]
            for name in sorted(free_names(self.tree))
            if name in namespace
            and not (name in hidden and hidden[name] is namespace[name])
            and not _IPYTHONS_OWN.fullmatch(name)
        }

    def check_functions(self, namespace: dict[str, Any]) -> None:
        """Raises ``CellError`` if the cell decorates a function with ``@remote`` or ``@on``."""
        ours = {name for name, value in namespace.items() if _is_ours(value)} | {
            alias.asname or alias.name.partition(".")[0]
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
            if (getattr(node, "module", None) or alias.name).partition(".")[0] == "nbfaas"
        }
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                for decorator in node.decorator_list:
                    if _root(decorator) in ours:
                        raise CellError(
                            f"line {decorator.lineno} of the cell makes {node.name!r} a function "
                            f"for sandboxes (@{ast.unparse(decorator)}), but %%faas runs the cell "
                            "itself in a sandbox. Define functions in an ordinary cell, without "
                            "%%faas; a function that only this cell calls needs no decorator."
                        )

    def check_handler(self) -> None:
        """Raises ``CellError`` unless the cell defines ``handler(event, context)``, or one that
        takes the event alone."""
        for node in reversed(self.tree.body):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == "handler":
                args = node.args
                most = len(args.posonlyargs) + len(args.args)
                least = most - len(args.defaults)
                if least <= 2 and (most or args.vararg):
                    return
                raise CellError(
                    f"handler on line {node.lineno} of the cell can't be called with an event, "
                    "nor with one and a context. Define it as `def handler(event, context):`."
                )
            if isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == "handler" for target in node.targets
            ):
                return
            if isinstance(node, ast.Import | ast.ImportFrom) and any(
                (alias.asname or alias.name) == "handler" for alias in node.names
            ):
                return
        raise CellError(
            "the cell defines no handler, which --name needs. Write `def handler(event, context):` "
            "at the left margin of the cell; to run the cell once instead, leave --name out."
        )


def _root(expression: ast.expr) -> str | None:
    """The name that ``a``, ``a.b`` or ``a.b(…)`` begins with."""
    while isinstance(expression, ast.Attribute | ast.Call):
        inner = expression.value if isinstance(expression, ast.Attribute) else expression.func
        expression = inner
    return expression.id if isinstance(expression, ast.Name) else None


def _is_ours(value: object) -> bool:
    """Whether it is nbfaas, or one of its decorators."""
    if isinstance(value, ModuleType):
        return value.__name__ == "nbfaas" or value.__name__.startswith("nbfaas.")
    return isinstance(value, FunctionType) and value.__module__.startswith("nbfaas.")


def import_statements(tree: ast.Module) -> str:
    """The cell's imports alone, as source; those that may fail stay in a ``try``."""
    guarded: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try | ast.TryStar) and node.handlers:
            guarded |= {id(part) for statement in node.body for part in ast.walk(statement)}
    lines: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            texts = [f"import {alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = ", ".join(sorted(alias.name for alias in node.names if alias.name != "*"))
            texts = [f"from {node.module} import {names}" if names else f"import {node.module}"]
        else:
            continue
        for text in texts:
            lines.add(f"try: {text}\n except ImportError: pass" if id(node) in guarded else text)
    return "\n ".join(sorted(lines)) or "pass"


def _in_cell(error: SyntaxError) -> SyntaxError:
    error.in_faas_cell = True  # type: ignore[attr-defined]
    return error


def _ipython_line(shell: Any, cell: str) -> tuple[int, str] | None:
    """The first line that only IPython understands, if the cell is right otherwise."""
    try:
        transformed = shell.transform_cell(cell)
        ast.parse(transformed)
    except SyntaxError:
        return None
    theirs = transformed.splitlines()
    for number, line in enumerate(cell.splitlines(), start=2):
        if number - 2 >= len(theirs) or theirs[number - 2] != line:
            return number, line
    return None
