"""An event to begin with, for a function or a trigger: one that its rule takes, where that can be
told from the rule. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbfaas.agent.event import BadEvent, Event
from nbfaas.events import example_of, template
from nbfaas.rules import Pattern

_ATTRIBUTES = ("type", "source", "subject")
_TEMPLATES = {
    "http": "http.request",
    "schedule": "schedule.tick",
    "file": "file.created",
    "queue": "queue.message",
}
_NOTHING = object()


def example_event(
    schema: Mapping[str, Any] | None, kind: str = "event", pattern: Pattern | None = None
) -> Event:
    """``schema`` is that of the data; ``kind`` and ``pattern`` are those of a trigger."""
    made = template(_TEMPLATES[kind]) if kind in _TEMPLATES else template("cloudevent")
    wanted = {} if pattern is None else _wanted(pattern.to_dict())
    data = made.data
    if kind not in _TEMPLATES and schema is not None:
        data = example_of(schema)
    changes = {name: wanted[name] for name in _ATTRIBUTES if isinstance(wanted.get(name), str)}
    try:
        return made.replace(data=_merged(data, wanted.get("data", {})), **changes)
    except BadEvent:  # the rule asks for what no event has
        return made.replace(data=data)


def _wanted(pattern: Mapping[str, Any]) -> dict[str, Any]:
    """Values that leaves of the pattern accept, where one is easily found; of a choice, those of
    its first branch."""
    found: dict[str, Any] = {}
    for key, value in pattern.items():
        if key == "$or" and isinstance(value, list):
            if value and isinstance(value[0], Mapping):
                found = _merged(found, _wanted(value[0]))
        elif isinstance(value, Mapping):
            inner = _wanted(value)
            if inner:
                found[key] = inner
        elif isinstance(value, list) and (first := _first(value)) is not _NOTHING:
            found[key] = first
    return found


def _first(leaf: list[Any]) -> Any:
    return next((each for each in map(_accepted, leaf) if each is not _NOTHING), _NOTHING)


def _accepted(matcher: Any) -> Any:
    """A value that one matcher of a leaf accepts."""
    if not isinstance(matcher, Mapping):
        return matcher
    operator, operand = next(iter(matcher.items()), ("", None))
    if operator in ("prefix", "suffix", "equals-ignore-case") and isinstance(operand, str):
        return operand
    if operator == "wildcard" and isinstance(operand, str):
        return operand.replace("*", "x")
    if operator == "numeric" and isinstance(operand, list):
        return _number(operand)
    return _NOTHING


def _number(bounds: list[Any]) -> Any:
    """Within ``[">", 1, "<=", 5]``."""
    for sign, bound in zip(bounds[::2], bounds[1::2], strict=False):
        if sign in ("=", ">=", "<="):
            return bound
        if sign == ">":
            upper = next((b for s, b in zip(bounds[::2], bounds[1::2], strict=False)
                          if s in ("<", "<=")), None)  # fmt: skip
            return bound + 1 if upper is None or bound + 1 < upper else (bound + upper) / 2
        if sign == "<":
            return bound - 1
    return _NOTHING


def _merged(base: Any, more: Any) -> Any:
    if not (isinstance(base, Mapping) and isinstance(more, Mapping)):
        return more if more != {} else base
    return {**base, **{key: _merged(base.get(key, {}), value) for key, value in more.items()}}
