"""Templates of input transformers: JSON or plain text with ``<placeholders>``.

Outside of quotes a placeholder stands for a JSON value; inside of quotes, and in plain text, for
its text. A placeholder can't be an object's key.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from nbfaas.errors import BadTransformer
from nbfaas.rules.json_path import MISSING

RESERVED = "aws."

# "Predefined variables" in the user guide; there, the event's own data is its "detail".
PREDEFINED: Mapping[str, Callable[[Mapping[str, Any], str], Any]] = {
    "aws.events.rule-name": lambda _, rule: rule,
    "aws.events.event": lambda event, _: {
        name: value for name, value in event.items() if name != "data"
    },
    "aws.events.event.json": lambda event, _: dict(event),
}

_PLACEHOLDER = re.compile(r"<([A-Za-z_][\w.-]*)>")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|<[A-Za-z_][\w.-]*>', re.DOTALL)
# Marks a placeholder that stood outside of quotes; JSON text can't have it inside of a string.
_VALUE = "\x00"


@dataclass(frozen=True, slots=True)
class Template:
    """``tree`` is the template as JSON, or the text itself; ``predefined`` the names used of
    PREDEFINED."""

    tree: Any
    predefined: tuple[str, ...]

    def fill(self, values: Mapping[str, Any]) -> Any:
        """The template with its placeholders replaced; MISSING values leave a gap."""
        filled = _fill(self.tree, values)
        return None if filled is MISSING else filled


def read_template(text: str, names: Collection[str], place: str) -> Template:
    """Check a template that may use these names; BadTransformer if it is not valid."""
    used = dict.fromkeys(_PLACEHOLDER.findall(text))
    for name in used:
        if name not in names and name not in PREDEFINED:
            near = difflib.get_close_matches(name, [*names, *PREDEFINED], n=1)
            fix = f"Did you mean <{near[0]}>? " if near else ""
            problem = f"the placeholder <{name}> has no path"
            raise BadTransformer(place, problem, f"{fix}Name it in InputPathsMap.")
    predefined = tuple(name for name in used if name in PREDEFINED)
    # A bare placeholder becomes a string that no other can be equal to.
    marked = _TOKEN.sub(lambda token: _mark(token[0]), text)
    try:
        tree = json.loads(marked)
    except json.JSONDecodeError as error:
        if text.lstrip()[0:1] in ("{", "["):
            problem = f"the template is no JSON: {error.msg}"
            fix = "Quote texts; placeholders outside of quotes stand for values."
            raise BadTransformer(place, problem, fix) from None
        return Template(text, predefined)
    _check_keys(tree, place)
    return Template(tree, predefined)


def _mark(token: str) -> str:
    return token if token.startswith('"') else json.dumps(_VALUE + token[1:-1])


def _check_keys(node: Any, place: str) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            if key.startswith(_VALUE) or _PLACEHOLDER.search(key):
                name = key.removeprefix(_VALUE)
                problem = f"the placeholder in the key {name!r} can't be replaced"
                raise BadTransformer(place, problem, "Placeholders stand for values only.")
            _check_keys(value, place)
    elif isinstance(node, list):
        for value in node:
            _check_keys(value, place)


def _fill(node: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(node, str):
        if node.startswith(_VALUE) and node[1:] in values:
            return values[node[1:]]
        return _PLACEHOLDER.sub(lambda found: _as_text(values[found[1]]), node)
    if isinstance(node, dict):
        filled = {key: _fill(value, values) for key, value in node.items()}
        return {key: value for key, value in filled.items() if value is not MISSING}
    if isinstance(node, list):
        return [None if (value := _fill(each, values)) is MISSING else value for each in node]
    return node


def _as_text(value: Any) -> str:
    if value is MISSING:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
