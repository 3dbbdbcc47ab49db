"""The options that all triggers share, checked."""

from __future__ import annotations

import contextlib
import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from nbfaas.agent.event import Event
from nbfaas.errors import BadTransformer, BadTrigger
from nbfaas.model.delivery import DeliveryPolicy
from nbfaas.remote.function import RemoteFunction
from nbfaas.rules import Transformer
from nbfaas.rules.json_path import MISSING, look_up, read_path
from nbfaas.triggers.queue_url import redacted
from nbfaas.triggers.trigger import WINDOW

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}")
Destination = RemoteFunction[Any, Any] | str | None


@dataclass(frozen=True, slots=True)
class TriggerOptions:
    """See ``nbfaas.remote.on``."""

    NAMES: ClassVar[tuple[str, ...]] = (
        "name", "delivery", "on_success", "on_failure", "transform", "ordered_by", "max_in_flight",
    )  # fmt: skip

    name: str | None
    policy: DeliveryPolicy
    on_success: Destination
    on_failure: Destination
    transformer: Transformer | None
    ordered_by: Callable[[Event], str | None] | None
    max_in_flight: int


def parse_trigger_options(kind: str, given: Mapping[str, Any]) -> TriggerOptions:
    """Raises ``BadTrigger`` and ``BadPattern``, naming the option."""
    for option in given:
        if option not in TriggerOptions.NAMES:
            near = difflib.get_close_matches(option, TriggerOptions.NAMES, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            known = ", ".join(TriggerOptions.NAMES)
            raise BadTrigger(
                kind, option, given[option], f"there is no such option; {hint}options are {known}"
            )
    name = given.get("name")
    if name is not None and not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise BadTrigger(kind, "name", name, "letters, digits and _ . : - only, at most 100")
    window = given.get("max_in_flight", WINDOW)
    if not isinstance(window, int) or isinstance(window, bool) or not 1 <= window <= 10_000:
        raise BadTrigger(kind, "max_in_flight", window, "give a number from 1 to 10000")
    transform = given.get("transform")
    return TriggerOptions(
        name,
        _policy(kind, given.get("delivery")),
        _destination(kind, "on_success", given.get("on_success")),
        _destination(kind, "on_failure", given.get("on_failure")),
        None if transform is None else Transformer.parse(transform),
        _key(kind, given.get("ordered_by")),
        window,
    )


def _policy(kind: str, value: Any) -> DeliveryPolicy:
    if value is None:
        return DeliveryPolicy()
    if isinstance(value, int) and not isinstance(value, bool):
        value = DeliveryPolicy(max_attempts=value)
    if not isinstance(value, DeliveryPolicy):
        wanted = "give a number of attempts, or a DeliveryPolicy(max_attempts=5, …)"
        raise BadTrigger(kind, "delivery", value, wanted)
    if not isinstance(value.max_attempts, int) or value.max_attempts < 1:
        raise BadTrigger(kind, "delivery", value, "max_attempts is a number, at least 1")
    for field, least in (
        ("initial_delay", 0), ("backoff_coefficient", 1), ("max_delay", 0), ("max_age", 1),
    ):  # fmt: skip
        number = getattr(value, field)
        if not isinstance(number, int | float) or not least <= number < math.inf:
            raise BadTrigger(kind, "delivery", value, f"{field} is a number, at least {least}")
    return value


def _destination(kind: str, option: str, value: Any) -> Destination:
    if value is None or isinstance(value, RemoteFunction):
        return value
    if isinstance(value, str) and value:
        if "://" not in value:
            return value
        with contextlib.suppress(ValueError):  # no IPv6 address, no port
            parts = urlsplit(value)
            if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
                return value
    wanted = "give a function, the type of an event, or a URL (http://… or https://…)"
    raise BadTrigger(kind, option, redacted(value) if isinstance(value, str) else value, wanted)


def _key(kind: str, path: Any) -> Callable[[Event], str | None] | None:
    if path is None:
        return None
    if not isinstance(path, str):
        raise BadTrigger(kind, "ordered_by", path, 'give a path, such as "$.data.customer"')
    try:
        steps = read_path(path, "ordered_by")
    except BadTransformer as error:
        raise BadTrigger(kind, "ordered_by", path, f"{error.problem}. {error.fix}") from None

    def key(event: Event) -> str | None:
        value = look_up(event.to_dict(), steps)
        return None if value is MISSING or value is None else str(value)

    return key
