"""Input transformers: what a function gets of the events that its rule matches.

Two forms. A selection names a JSON path for each field of a new object::

    {"orderId": "$.data.id", "who": "$.data.customer.name"}

and EventBridge's own ("Amazon EventBridge input transformation" in its user guide) fills
``<placeholders>`` of a template, which is JSON or else plain text::

    {"InputPathsMap": {"id": "$.data.id"}, "InputTemplate": "{\"text\": \"order <id>\"}"}

A path that the event does not have gives no value, as there: the field is left out of its object,
is null in a list, and is empty inside a text. A value that is null in the event stays null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from nbfaas.errors import BadTransformer
from nbfaas.rules.json_path import MISSING, Steps, look_up, read_path
from nbfaas.rules.matchers import shown
from nbfaas.rules.places import ROOT, inside
from nbfaas.rules.template import PREDEFINED, RESERVED, Template, read_template

Selection: TypeAlias = dict[str, Steps]

MOST_PATHS = 100

_PATHS, _TEMPLATE = "InputPathsMap", "InputTemplate"
_EXAMPLE = 'Write for example {"orderId": "$.data.id", "who": "$.data.customer.name"}.'


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Transformer:
    """A checked input transformer; ``source`` is its JSON. Immutable, can be pickled."""

    source: str
    selection: Selection
    template: Template | None

    @classmethod
    def parse(cls, source: Mapping[str, Any] | str) -> Transformer:
        """Check and compile either form, from JSON text or an object; raises BadTransformer."""
        given = _load(source) if isinstance(source, str) else source
        if not isinstance(given, Mapping) or not given:
            raise BadTransformer(ROOT, f"{shown(given)} names no field", _EXAMPLE)
        if _TEMPLATE in given or _PATHS in given:
            selection, template = _eventbridge(given)
        else:
            selection, template = _selection(given, ROOT), None
        return cls(json.dumps(dict(given), ensure_ascii=False, default=dict), selection, template)

    def apply(self, event: Mapping[str, Any], rule: str = "") -> Any:
        """What the function gets of the event (a JSON object): JSON, or a text.

        ``rule`` is the rule's name, for the placeholder ``<aws.events.rule-name>``.
        """
        found = {name: look_up(event, steps) for name, steps in self.selection.items()}
        if self.template is None:
            return {name: value for name, value in found.items() if value is not MISSING}
        for name in self.template.predefined:
            found[name] = PREDEFINED[name](event, rule)
        return self.template.fill(found)

    def to_dict(self) -> dict[str, Any]:
        """The transformer as it was given."""
        loaded: dict[str, Any] = json.loads(self.source)
        return loaded

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Transformer) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(frozenset(self.selection))

    def __repr__(self) -> str:
        return f"Transformer({self.source})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Transformer.parse, (self.source,)


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise BadTransformer(ROOT, f"this is not JSON: {error.msg}, at {place}") from None


def _selection(fields: Mapping[Any, Any], place: str) -> Selection:
    for name in fields:
        if not isinstance(name, str):
            problem = f"the field name {name!r} is no string"
            raise BadTransformer(inside(place, str(name)), problem, "Write the name in quotes.")
    return {name: read_path(path, inside(place, name)) for name, path in fields.items()}


def _eventbridge(given: Mapping[str, Any]) -> tuple[Selection, Template]:
    for name in given:
        if name not in (_PATHS, _TEMPLATE):
            problem = f"{shown(name)} beside {_PATHS} and {_TEMPLATE}"
            raise BadTransformer(inside(ROOT, str(name)), problem, f"Leave it out, or {_EXAMPLE}")
    at, paths = inside(ROOT, _PATHS), given.get(_PATHS, {})
    if not isinstance(paths, Mapping):
        raise BadTransformer(at, f"{shown(paths)} is no object", _EXAMPLE)
    if len(paths) > MOST_PATHS:
        problem = f"{len(paths)} paths"
        raise BadTransformer(at, problem, f"EventBridge allows {MOST_PATHS}.")
    selection = _selection(paths, at)
    for name in selection:
        if name.lower().startswith(RESERVED):
            problem = f"names that start with {RESERVED!r} are reserved"
            raise BadTransformer(inside(at, name), problem, "Use another name.")
    template = given.get(_TEMPLATE)
    place = inside(ROOT, _TEMPLATE)
    if not isinstance(template, str) or not template:
        raise BadTransformer(place, f"{shown(template)} is no text", "Give the template as a text.")
    return selection, read_template(template, tuple(selection), place)
