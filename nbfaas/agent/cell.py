"""Running a notebook cell in a sandbox."""

from __future__ import annotations

import ast
import inspect
import linecache
from typing import Any

from nbfaas.agent import codec
from nbfaas.agent.buffers import views


def run_cell(
    source: str,
    filename: str,
    names: dict[str, Any],
    pull: tuple[str, ...],
    *,
    code: dict[str, Any] | None = None,
    imports: object = None,
) -> dict[str, Any]:
    """Run ``source`` with ``names`` and ``code`` as its globals. ``imports`` is what the host's
    packager looked at to see what the cell imports; it is of no use here.

    Returns ``{"value", "text", "pulled", "missing"}``: the last expression's value and the pulled
    names, each pickled apart (so that one the host does not accept leaves the others readable);
    ``text`` is the value's repr, shown where the value itself can't cross; ``value`` and ``text``
    are None where the cell ends with no expression, or with a semicolon.
    """
    remember_source(filename, source)
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    namespace |= {**(code or {}), **names}
    tree = ast.parse(source, filename)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    _execute(tree, filename, namespace)
    value = None
    if isinstance(last, ast.Expr):
        value = _execute(ast.Expression(last.value), filename, namespace)
        if source.rstrip().endswith(";"):
            value = None
    return {
        "value": None if value is None else _dump(value, "value"),
        "text": None if value is None else _text(value),
        "pulled": {name: _dump(namespace[name], name) for name in pull if name in namespace},
        "missing": [name for name in pull if name not in namespace],
    }


def _execute(tree: ast.Module | ast.Expression, filename: str, namespace: dict[str, Any]) -> Any:
    mode = "exec" if isinstance(tree, ast.Module) else "eval"
    code = compile(tree, filename, mode, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    value = eval(code, namespace)  # noqa: S307 - running the user's cell is what this is for
    if code.co_flags & inspect.CO_COROUTINE:
        import asyncio

        return asyncio.run(value)
    return value


def _dump(value: object, label: str) -> list[bytes] | str:
    """The pickled parts, or the reason why there are none."""
    try:
        return [bytes(part) for part in views(codec.dump(value, label))]
    except codec.Unpicklable as error:
        return f"{error.path}: {error.reason}"


def _text(value: object) -> str:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - a repr may raise anything; the cell still ran
        return f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    return text if len(text) <= 10_000 else text[:10_000] + " …"


def remember_source(filename: str, source: str) -> None:
    """Let tracebacks in this process show the lines of ``source``."""
    lines = source.splitlines(keepends=True)
    linecache.cache[filename] = (len(source), None, lines, filename)
