"""What is expected of a saved event, as JSON beside it, and whether it came true. Pure.

::

    {
      "result": {"paid": 250},                      what the function returns, as JSON
      "error": {"type": "ValueError", "message": "no customer"},
                                                    what it raises; the message has this in it
      "matches": {"result": {"paid": [{"numeric": [">", 100]}]}},
                                                    an event pattern over {"result": …}, or over
                                                    {"error": {"type": …, "message": …}}
      "triggers": ["large-orders"]                  which of its triggers take the event
    }

Each key may be left out. Without any expectation the function only must not fail.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbfaas.errors import BadExpectation, BadPattern
from nbfaas.errors.simulator import nearest
from nbfaas.rules import Pattern

_SHOWN = 300  # characters of a value in a message
_KEYS = ("result", "error", "matches", "triggers")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an event. ``error`` is type and message, or None; then ``result`` is JSON,
    unless ``not_json`` says why it can't be. ``triggers``: those that take the event; where there
    is none, the function was perhaps not ``run``."""

    triggers: tuple[str, ...]
    result: Any = None
    not_json: str | None = None
    error: tuple[str, str] | None = None
    run: bool = True

    def to_dict(self) -> dict[str, Any]:
        """What ``matches`` is tried on."""
        if self.error is not None:
            return {"error": {"type": self.error[0], "message": self.error[1]}}
        return {"result": self.result}


@dataclass(frozen=True, slots=True)
class Expectation:
    """``wanted`` is the file's object, checked; ``pattern`` its ``matches``, compiled."""

    wanted: Mapping[str, Any]
    pattern: Pattern | None = None

    @property
    def by_hand(self) -> bool:
        """It has a pattern, which nobody but a person writes."""
        return self.pattern is not None

    def to_json(self) -> str:
        return json.dumps(dict(self.wanted), indent=2, ensure_ascii=False) + "\n"


NOTHING = Expectation({})


def read_expectation(text: str, path: str, known: tuple[str, ...]) -> Expectation:
    """``path`` is what errors call it, ``known`` are the function's triggers. Raises
    ``BadExpectation``."""
    try:
        wanted = json.loads(text)
    except ValueError as error:
        raise BadExpectation(path, f"it is no JSON: {error}") from None
    if not isinstance(wanted, dict):
        raise BadExpectation(path, "it is no JSON object")
    for key in wanted:
        if key not in _KEYS:
            raise BadExpectation(path, f"there is no key {key!r}; {nearest(key, _KEYS)}")
    if "result" in wanted and "error" in wanted:
        raise BadExpectation(path, "it wants a result and an error; an event leads to one of them")
    if "error" in wanted:
        _check_error(wanted["error"], path)
    if "triggers" in wanted:
        _check_triggers(wanted["triggers"], path, known)
    pattern = None
    if "matches" in wanted:
        try:
            pattern = Pattern.parse(wanted["matches"])
        except (BadPattern, TypeError, AttributeError) as error:
            raise BadExpectation(path, f"matches: {error}") from None
    return Expectation(wanted, pattern)


def shortfalls(expectation: Expectation, outcome: Outcome) -> list[str]:
    """What did not come true, one line or more for each; empty if all did."""
    wanted = expectation.wanted
    found = [*_about_triggers(wanted, outcome)]
    if "error" in wanted:
        found += _about_error(wanted["error"], outcome)
    elif "result" in wanted:
        found += _about_result(wanted["result"], outcome)
    elif outcome.error is not None and not _is_about_errors(wanted.get("matches")):
        found.append(f"it raised {_line(outcome.error)}")
    if expectation.pattern is not None and not found:
        if outcome.not_json is not None:
            return [*found, outcome.not_json]
        explanation = expectation.pattern.explain(outcome.to_dict())
        if not explanation.matched:
            found += [f"matches: {leaf}" for leaf in explanation.leaves if not leaf.matched] or [
                f"matches: {explanation.note}"
            ]
    return found


def expectation_of(outcome: Outcome) -> Expectation:
    """What has happened, as what is to happen. A result that is no JSON is left out."""
    wanted: dict[str, Any] = {}
    if outcome.error is not None:
        wanted["error"] = {"type": outcome.error[0], "message": outcome.error[1]}
    elif outcome.run and outcome.not_json is None:
        wanted["result"] = outcome.result
    wanted["triggers"] = list(outcome.triggers)
    return Expectation(wanted)


def _check_error(error: object, path: str) -> None:
    if isinstance(error, str) and error:
        return
    right = isinstance(error, dict) and isinstance(error.get("type"), str)
    if not right or not all(isinstance(each, str) for each in error.values()):  # type: ignore[attr-defined]
        raise BadExpectation(path, 'error is a type\'s name, or {"type": …, "message": …}')
    for key in error:  # type: ignore[attr-defined]
        if key not in ("type", "message"):
            raise BadExpectation(path, f"error has type and message, and no {key!r}")


def _check_triggers(names: object, path: str, known: tuple[str, ...]) -> None:
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise BadExpectation(path, "triggers is a list of names")
    for name in names:
        if name not in known:
            text = f"the function has no trigger {name!r}; {nearest(name, known)}"
            raise BadExpectation(path, text)


def _about_triggers(wanted: Mapping[str, Any], outcome: Outcome) -> list[str]:
    if "triggers" not in wanted or sorted(wanted["triggers"]) == sorted(outcome.triggers):
        return []
    names = ", ".join(outcome.triggers) or "none"
    return [f"triggers: wanted {', '.join(wanted['triggers']) or 'none'}, taken by {names}"]


def _about_error(wanted: Any, outcome: Outcome) -> list[str]:
    kind = wanted if isinstance(wanted, str) else wanted["type"]
    message = "" if isinstance(wanted, str) else wanted.get("message", "")
    if outcome.error is None:
        return [f"error: wanted {_line((kind, message))}, but it returned {_value(outcome)}"]
    if outcome.error[0] == kind and message in outcome.error[1]:
        return []
    return [f"error: wanted {_line((kind, message))}, it raised {_line(outcome.error)}"]


def _about_result(wanted: Any, outcome: Outcome) -> list[str]:
    if outcome.error is not None:
        return [f"result: wanted {_json(wanted)}, but it raised {_line(outcome.error)}"]
    if outcome.not_json is not None:
        return [f"result: wanted {_json(wanted)}, but {outcome.not_json}"]
    from nbfaas.events.checking import same

    if same(wanted, outcome.result):
        return []
    return [f"result: wanted {_json(wanted)}, got {_json(outcome.result)}"]


def _is_about_errors(matches: object) -> bool:
    return isinstance(matches, dict) and "error" in matches


def _line(error: tuple[str, str]) -> str:
    text = f"{error[0]}: {error[1]}" if error[1] else error[0]
    return _cut(text.replace("\n", " "))


def _value(outcome: Outcome) -> str:
    return outcome.not_json or _json(outcome.result)


def _json(value: Any) -> str:
    return _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
