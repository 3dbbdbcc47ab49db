"""Which types of events a trigger may be about, told from its description. Pure.

Types are told as ``order.created``, or with ``*`` for any characters: ``order.*``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

EVERY = "*"
_DEEPEST = 50  # choices within choices; what has more is taken for a pattern of every event
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def types_of(pattern: object) -> set[str]:
    """All types that an event may have which matches what ``on.event`` was given; ``EVERY`` unless
    the pattern itself says more of them. Never too few, whoever wrote it."""
    if isinstance(pattern, str) and not pattern.lstrip().startswith("{"):
        return {pattern}
    return _of_pattern(pattern, 0)


def is_covered(kind: str, patterns: Iterable[str]) -> bool:
    """Whether each type that ``kind`` stands for fits one of the ``patterns``, in which ``*`` is
    the only wildcard. A ``*`` of ``kind`` can only be met by one of the pattern's, which then takes
    whatever may be in its place."""
    return any(
        fnmatchcase(kind, pattern.replace("[", "[[]").replace("?", "[?]")) for pattern in patterns
    )


def _of_pattern(pattern: object, depth: int) -> set[str]:
    """All its keys have to hold, so that one of them decides."""
    if not isinstance(pattern, dict) or depth > _DEEPEST:
        return {EVERY}
    if isinstance(wanted := pattern.get("type"), list):
        return {_of_matcher(each) for each in wanted}
    if isinstance(branches := pattern.get("$or"), list):
        return set().union(*(_of_pattern(branch, depth + 1) for branch in branches))
    return {EVERY}


def _of_matcher(matcher: Any) -> str:
    match matcher:
        case str():
            return matcher
        case {"prefix": str(text), **more} if not more:
            return text + "*"
        case {"suffix": str(text), **more} if not more:
            return "*" + text
        case {"wildcard": str(text), **more} if not more:
            return _ESCAPED.sub(r"\1", text)  # an escaped star counts as one: rather too many
        case _:
            return EVERY
