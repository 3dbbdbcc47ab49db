"""Which of a function's triggers take an event, as data says it. Policy only."""

from __future__ import annotations

from collections.abc import Sequence

from nbfaas.agent.event import BadEvent, Event
from nbfaas.model.trigger_spec import TriggerSpec
from nbfaas.rules import Pattern, Transformer

_TICK = "nbfaas.schedule.tick"
_FILE = "nbfaas.file."
_REQUEST = "nbfaas.http.request"
_MESSAGE = "nbfaas.queue.message"


def takers(specs: Sequence[TriggerSpec], event: Event) -> list[TriggerSpec]:
    """The triggers that the event is for, in their order: by their pattern; those with a source of
    their own by the type of its events, and routes by method and path as well."""
    return [spec for spec in specs if _takes(spec, event)]


def given(spec: TriggerSpec | None, event: Event) -> Event:
    """The event as the function gets it because of the trigger: transformed, if it says so."""
    if spec is None or spec.transform is None:
        return event
    try:
        return event.replace(data=Transformer.parse(spec.transform).apply(event.to_dict()))
    except BadEvent:  # nested too deeply now; as in the engine, the function is what fails
        return event


def _takes(spec: TriggerSpec, event: Event) -> bool:
    if spec.kind == "event":
        return Pattern.parse(spec.arguments[0]).matches(event.to_dict())
    if spec.kind in ("schedule", "every"):
        return event.type == _TICK
    if spec.kind == "file":
        kinds = spec.options.get("events", ("created", "modified"))
        return event.type in {f"{_FILE}{kind}" for kind in kinds}
    if spec.kind == "http":
        return event.type == _REQUEST and _is_route(spec, event.data)
    return event.type == _MESSAGE


def _is_route(spec: TriggerSpec, data: object) -> bool:
    if not isinstance(data, dict):
        return False
    from starlette.routing import compile_path

    method, path = spec.arguments
    pattern, _, _ = compile_path(path)
    right = str(data.get("method", method)).upper() == str(method).upper()
    return right and pattern.fullmatch(str(data.get("path", ""))) is not None
