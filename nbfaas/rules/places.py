"""Where something is in a JSON document, written as a JSON path: ``$.data.total[0].numeric``."""

from __future__ import annotations

import json
import re

ROOT = "$"

_PLAIN = re.compile(r"[A-Za-z_$][\w$-]*")


def inside(place: str, step: str | int) -> str:
    """The place one step further: a key of an object, or a position in an array."""
    if isinstance(step, int):
        return f"{place}[{step}]"
    if _PLAIN.fullmatch(step):
        return f"{place}.{step}"
    return f"{place}[{json.dumps(step, ensure_ascii=False)}]"
