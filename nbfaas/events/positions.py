"""Where something is in a JSON text, as an editor counts: line and column from 1. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

_DECODER = json.JSONDecoder()
_BLANKS = " \t\n\r"


def place_of(text: str, steps: Sequence[str | int]) -> tuple[int, int]:
    """Of the value that ``steps`` lead to in a valid JSON text; where they lead to nothing, of the
    value that they lead to before."""
    at = _skip(text, 0)
    for step in steps:
        further = _step(text, at, step)
        if further is None:
            break
        at = further
    return line_and_column(text, at)


def line_and_column(text: str, at: int) -> tuple[int, int]:
    """Of the character with the index ``at``."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _step(text: str, at: int, step: str | int) -> int | None:
    """Where the member ``step`` of the object or list at ``at`` begins. Of a key that is repeated
    the last one counts, as for ``json.loads``."""
    is_object = text[at] == "{"
    if not is_object and text[at] != "[":
        return None
    found, index = None, 0
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        key: Any = index
        if is_object:
            key, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)
        if key == step:
            found = at
        at = _skip(text, _DECODER.raw_decode(text, at)[1])
        if text[at] == ",":
            at = _skip(text, at + 1)
        index += 1
    return found


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at
