"""JSON paths to one value of an event: ``$``, ``$.data.id``, ``$.data.lines[0]``, ``$['a b']``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from nbfaas.errors import BadTransformer
from nbfaas.rules.matchers import shown

Steps: TypeAlias = tuple[str | int, ...]

# What ``look_up`` returns if the event has nothing there; null is a value.
MISSING: Final = object()

_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]'"*\s]+)|\[(?P<at>\d+)\]|\[(?P<quote>['"])(?P<key>.*?)(?P=quote)\]"""
)


def read_path(text: object, place: str) -> Steps:
    """The steps of a path; BadTransformer says at which character it goes wrong."""
    example = "Write for example $.data.id, $.data.lines[0].sku or $.data['a b']."
    if not isinstance(text, str) or not text.startswith("$"):
        raise BadTransformer(place, f"{shown(text)} is no JSON path: it starts with $", example)
    steps: list[str | int] = []
    at = 1
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            problem = f"{shown(text)} is no JSON path from character {at} ({text[at:]!r})"
            raise BadTransformer(place, problem, example)
        if step["at"] is not None:
            steps.append(int(step["at"]))
        else:
            steps.append(step["name"] if step["name"] is not None else step["key"])
        at = step.end()
    return tuple(steps)


def look_up(event: Mapping[str, Any], steps: Steps) -> Any:
    """The value at the path, or MISSING."""
    value: Any = event
    for step in steps:
        if isinstance(step, str):
            if not isinstance(value, Mapping) or step not in value:
                return MISSING
        elif not isinstance(value, list | tuple) or step >= len(value):
            return MISSING
        value = value[step]
    return value
