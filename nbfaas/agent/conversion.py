"""Text of a path or a query, made what a parameter's annotation says. Pure."""

from __future__ import annotations

import math
import re
from typing import Any

from nbfaas.agent.annotation import Wanted

# Python's own int() and float() also take underscores, blanks and other scripts' digits.
_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TRUTH = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


class Unconvertible(ValueError):
    """``'abc', which is no int``"""


def convert(value: Any, wanted: Wanted) -> Any:
    """``value`` is a str, or a list of str for a name that was given repeatedly: a list is wanted,
    or else the last one counts. Anything else is left as it is. Raises ``Unconvertible``."""
    if wanted.many:
        return [_one(each, wanted.kind) for each in (value if isinstance(value, list) else [value])]
    if isinstance(value, list) and value and wanted.kind is not None:
        value = value[-1]
    return _one(value, wanted.kind)


def _one(value: Any, kind: type | None) -> Any:
    if not isinstance(value, str):
        return value
    if kind is int and _INTEGER.fullmatch(value):
        return int(value)
    if kind is float and _NUMBER.fullmatch(value) and math.isfinite(number := float(value)):
        return number
    if kind is bool and value.lower() in _TRUTH:
        return _TRUTH[value.lower()]
    if kind in (int, float, bool):
        raise Unconvertible(f"{value[:100]!r}, which is no {kind.__name__}")
    return value
