"""The event that is being made up: its text, what is wrong with it, which rules want it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nbfaas.agent.event import Event
from nbfaas.events import problems, read, templates, which
from nbfaas.events.checking import shown
from nbfaas.events.matching import TriggerMatch
from nbfaas.rules import Explanation, Leaf

_GROUPS = {
    "Any event": ("cloudevent",),
    "Made by nbfaas' own sources": (
        "http.request", "schedule.tick", "file.created", "queue.message",
    ),
    "Of other systems": ("order.created", "s3.object-created", "github.push"),
}  # fmt: skip
_MOST_SHOWN = 3  # values of a leaf


def draft_of(event: Event, *, exact: bool = False) -> str:
    """The event as JSON to be edited. Without ``exact``, id and time are left out: each time it is
    sent, it is another one."""
    found = event.to_dict()
    left_out = {"specversion"} if exact else {"specversion", "id", "time"}
    if found.get("datacontenttype") == "application/json":
        left_out.add("datacontenttype")  # what it is if nothing is said
    first = [name for name in ("type", "source", "subject") if name in found]
    last = [name for name in ("data", "data_base64") if name in found]
    others = [name for name in found if name not in (*first, *last)]
    ordered = {name: found[name] for name in (*first, *others, *last) if name not in left_out}
    return json.dumps(ordered, indent=2, ensure_ascii=False)


def check(text: str, schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """As JSON: ``problems``, of which those of the data need not keep it from being sent;
    ``sendable``; and ``matches``, one for each trigger."""
    stopping = problems(None, text, of="event")
    found = stopping if schema is None else problems(schema, text, of="event")
    return {
        "problems": [
            {
                "path": each.path,
                "message": each.message,
                "line": each.line,
                "column": each.column,
                "stops": each in stopping,
            }
            for each in found
        ],
        "sendable": not stopping,
        "matches": [] if stopping else [match_facts(each) for each in which(read(text))],
    }


def match_facts(match: TriggerMatch) -> dict[str, Any]:
    """As JSON; ``explanation`` is None where there is no pattern."""
    explanation = match.explanation
    return {
        "trigger": match.trigger,
        "kind": match.kind,
        "target": match.target,
        "shown": match.shown,
        "matched": match.matched,
        "paused": match.paused,
        "note": match.note,
        "explanation": None if explanation is None else explanation_facts(explanation),
    }


def explanation_facts(explanation: Explanation) -> dict[str, Any]:
    """As JSON; what was found is text, shortened."""
    return {
        "matched": explanation.matched,
        "note": explanation.note,
        "branches": list(explanation.branches),
        "leaves": [_leaf(each) for each in explanation.leaves],
    }


def _leaf(leaf: Leaf) -> dict[str, Any]:
    values = [shown(each) for each in leaf.found[:_MOST_SHOWN]]
    if more := len(leaf.found) - _MOST_SHOWN:
        values += [f"and {more:,} more"] if more > 0 else []
    return {
        "path": leaf.path,
        "place": leaf.place,
        "wanted": leaf.wanted,
        "found": ", ".join(values) or "nothing",
        "matched": leaf.matched,
        "branch": leaf.branch,
    }


def catalog() -> list[dict[str, Any]]:
    """The templates with their parameters, by groups."""
    known = {each.name: each for each in templates()}
    rest = known.keys() - {name for names in _GROUPS.values() for name in names}
    groups = {**_GROUPS, "More": tuple(sorted(rest))}
    return [
        {
            "group": group,
            "templates": [
                {
                    "name": name,
                    "description": known[name].description,
                    "schema": known[name].schema,
                    "values": {each.name: each.default for each in known[name].parameters.values()},
                }
                for name in names
                if name in known
            ],
        }
        for group, names in groups.items()
        if names
    ]
