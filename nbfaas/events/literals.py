"""Values as Python source, laid out for reading. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_WIDTH = 88
_STEP = "    "


def literal(value: Any, indent: str = "", before: int = 0) -> str:
    """A JSON value, or bytes, as an expression that makes it: on one line if that has room beside
    the ``before`` characters that come first, else over several, which begin with ``indent``."""
    flat = _flat(value)
    fits = len(indent) + before + len(flat) <= _WIDTH
    if fits or not isinstance(value, list | dict) or not value:
        return flat
    inner = indent + _STEP
    if isinstance(value, list):
        return bracketed("[", "]", (literal(item, inner, 1) for item in value), indent)
    members = (
        f"{(name := _flat(key))}: {literal(item, inner, len(name) + 3)}"
        for key, item in value.items()
    )
    return bracketed("{", "}", members, indent)


def _flat(value: Any) -> str:
    """As ``repr``, with the quotes that formatters prefer."""
    if isinstance(value, list):
        return f"[{', '.join(map(_flat, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_flat(key)}: {_flat(item)}' for key, item in value.items())}}}"
    text = repr(value)
    if isinstance(value, str) and text[0] == "'" and '"' not in text:
        return f'"{text[1:-1]}"'
    return text


def bracketed(begin: str, end: str, lines: Iterable[str], indent: str) -> str:
    """Each of ``lines`` on a line of its own."""
    body = "".join(f"{indent}{_STEP}{line},\n" for line in lines)
    return f"{begin}\n{body}{indent}{end}"
