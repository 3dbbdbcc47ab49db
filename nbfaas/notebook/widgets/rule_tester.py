"""``RuleTester``: a pattern and an event side by side, and each leaf of the pattern marked."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

from nbfaas.agent.event import Event
from nbfaas.errors import BadPattern, BadTransformer
from nbfaas.events import load, problems, read, template, test_pattern
from nbfaas.events.positions import place_of
from nbfaas.notebook.text import markup, plain
from nbfaas.notebook.widgets import snapshot
from nbfaas.notebook.widgets.actions import action
from nbfaas.notebook.widgets.base import FaasWidget, field
from nbfaas.notebook.widgets.simulator.drafting import draft_of, explanation_facts
from nbfaas.remote.triggers import TriggerHandle
from nbfaas.rules import Pattern
from nbfaas.rules.json_path import read_path

_EXAMPLE = {"type": ["order.created"], "data": {"total": [{"numeric": [">", 100]}]}}


def tried(pattern: str, event: str) -> dict[str, Any]:
    """As JSON: what is wrong with the ``pattern`` and with the ``event``, both JSON texts, and the
    ``explanation``, if nothing is. Its leaves have their lines in both."""
    wrong = problems(None, event, of="event")
    found: dict[str, Any] = {
        "pattern_problem": None,
        "event_problems": [
            {
                "path": each.path,
                "message": each.message,
                "line": each.line,
                "column": each.column,
                "stops": True,
            }
            for each in wrong
        ],
        "explanation": None,
    }
    try:
        compiled = Pattern.parse(pattern)
    except BadPattern as error:
        found["pattern_problem"] = _problem(pattern, error)
        return found
    if wrong:
        return found
    told = explanation_facts(test_pattern(compiled, read(event)).explain())
    for leaf in told["leaves"]:
        leaf["line"] = _line(pattern, leaf["place"])
        leaf["event_line"] = _event_line(event, leaf["path"])
    return {**found, "explanation": told}


def _problem(text: str, error: BadPattern) -> dict[str, Any]:
    line, column = _place(text, error.place)
    for each in problems({}, text) if not _is_json(text) else []:
        line, column = each.line, each.column
    message = f"{error.problem}. {error.fix}".strip()
    return {"path": error.place, "message": message, "line": line, "column": column, "stops": True}


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _place(text: str, place: str) -> tuple[int, int]:
    """Line and column of a place of the pattern; as near to it as can be told."""
    try:
        return place_of(text, read_path(place, "place")) if _is_json(text) else (1, 1)
    except BadTransformer:
        return 1, 1


def _line(text: str, place: str) -> int:
    return _place(text, place)[0]


def _event_line(text: str, path: str) -> int | None:
    """Where the event has the field: keys joined with dots, which may have dots themselves."""
    steps: list[str] = []
    value, rest = json.loads(text), path
    while rest and isinstance(value, dict):
        keys = [key for key in value if rest == key or rest.startswith(f"{key}.")]
        if not keys:
            return None
        key = max(keys, key=len)
        steps.append(key)
        value, rest = value[key], rest[len(key) + 1 :]
    return place_of(text, steps)[0] if steps else None


class RuleTester(FaasWidget):
    """``pattern`` and ``event`` are JSON texts. ``nbfaas.rule_tester(…)`` makes one."""

    script = "rule-tester.js"

    texts = field({"pattern": "", "event": "", "by": "", "number": 0})
    result = field({"pattern_problem": None, "event_problems": [], "explanation": None})

    def __init__(self, pattern: str, event: str) -> None:
        self._editing = threading.Lock()
        self._latest: dict[str, int] = {}
        super().__init__()
        self._write(pattern, event, "")

    def _write(self, pattern: str, event: str, by: str) -> None:
        number = self.texts["number"] + 1
        self.put(
            texts={"pattern": pattern, "event": event, "by": by, "number": number},
            result=tried(pattern, event),
        )

    @action
    def edit(self, pattern: str, event: str, by: str, number: int) -> None:
        """A view has these texts now, ``number`` of those that were typed there."""
        with self._editing:
            if number > self._latest.get(by, -1):
                self._latest[by] = number
                self._write(pattern, event, by)

    @action
    def keep(self) -> None:
        """Store the present picture with the output."""
        self.settle()

    def text(self) -> str:
        return plain("\n".join(_told(self.result)))

    def snapshot_html(self) -> str:
        texts = self.texts
        parts = [f"<pre>{markup(texts['pattern'])}</pre>", f"<pre>{markup(texts['event'])}</pre>"]
        head, *lines = _told(self.result)
        if explanation := self.result["explanation"]:
            rows = [
                ("✓" if leaf["matched"] else "✗", leaf["path"], leaf["wanted"], leaf["found"])
                for leaf in explanation["leaves"]
            ]
            parts.append(snapshot.table(("", "Field", "Wanted", "Found"), rows, head))
            lines = [explanation["note"]] if explanation["note"] else []
        else:
            lines = [head, *lines]
        parts += [markup(line) for line in lines]
        return snapshot.frame("Rule tester", *parts)


def _told(result: dict[str, Any]) -> list[str]:
    if problem := result["pattern_problem"]:
        return [
            f"✗ the pattern is not valid at {problem['path']} (line {problem['line']}): "
            f"{problem['message']}"
        ]
    if wrong := result["event_problems"]:
        return [
            f"✗ the event: {each['path']}: {each['message']} (line {each['line']})"
            for each in wrong
        ]
    explanation = result["explanation"]
    verdict = "✓ the pattern matches" if explanation["matched"] else "✗ the pattern does not match"
    return [
        verdict,
        *(
            f"  {'✓' if leaf['matched'] else '✗'} {leaf['path']}: wanted {leaf['wanted']}, "
            f"found {leaf['found']}"
            for leaf in explanation["leaves"]
        ),
        *([f"  {explanation['note']}"] if explanation["note"] else []),
    ]


def rule_tester(
    pattern: Pattern | TriggerHandle | Mapping[str, Any] | str | None = None,
    event: Event | Mapping[str, Any] | str | None = None,
) -> RuleTester:
    """A pattern and an event to be edited side by side, to be displayed in a notebook.

    ``pattern``: what ``nbfaas.on.event`` takes, or a trigger with a rule; ``event``: an ``Event``,
    its JSON as a dict, or the name of a saved one. Both may be wrong: the widget says so.
    """
    found = pattern.pattern if isinstance(pattern, TriggerHandle) else pattern
    return RuleTester(_pattern_text(found), _event_text(event))


def _pattern_text(pattern: Pattern | Mapping[str, Any] | str | None) -> str:
    if isinstance(pattern, str):
        if pattern.lstrip()[:1] in ("{", "["):
            return pattern
        pattern = {"type": [pattern]}
    if isinstance(pattern, Pattern):
        pattern = pattern.to_dict()
    return _written(_EXAMPLE if pattern is None else pattern)


def _written(part: Any, indent: str = "") -> str:
    """JSON with a line for each field; a leaf is on one line."""
    if not isinstance(part, Mapping) or not part:
        return json.dumps(part, ensure_ascii=False, default=str)
    inner = indent + "  "
    fields = [
        f"{inner}{json.dumps(str(key), ensure_ascii=False)}: {_written(value, inner)}"
        for key, value in part.items()
    ]
    return "{\n" + ",\n".join(fields) + f"\n{indent}}}"


def _event_text(event: Event | Mapping[str, Any] | str | None) -> str:
    if isinstance(event, str):
        event = load(event)
    if isinstance(event, Mapping):
        return json.dumps(dict(event), indent=2, ensure_ascii=False, default=str)
    return draft_of(template("order.created") if event is None else event)
