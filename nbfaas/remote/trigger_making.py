"""Making the triggers of a deployed function anew, from what its manifest holds of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbfaas.errors import NotDeployable
from nbfaas.model.delivery import DeliveryPolicy
from nbfaas.model.trigger_spec import DestinationSpec, TriggerSpec
from nbfaas.remote.function import RemoteFunction
from nbfaas.remote.on import on
from nbfaas.remote.trigger_options import Destination

Find = Callable[[str], RemoteFunction[Any, Any]]


def make_trigger(
    spec: TriggerSpec, function: RemoteFunction[Any, Any], find: Find, *, url: str | None = None
) -> None:
    """Give ``function`` the trigger that ``spec`` describes, as the decorator did.

    ``find`` returns the function that a destination names. ``url`` replaces that of a queue, which
    has no credentials in the manifest. Raises ``BadTrigger``, ``BadPattern``; ``NotDeployable`` if
    credentials are needed and none are given.
    """
    arguments = list(spec.arguments)
    if url is not None:
        arguments[0] = url
    elif spec.secret:
        raise NotDeployable(
            function.name,
            f"its trigger {spec.name} was given credentials, which are not deployed with it",
            f"Give the URL with credentials for {spec} where the function is run.",
        )
    # Left out where they are as they would be anyway: some triggers know none of them.
    shared: dict[str, Any] = {"name": spec.name}
    if spec.delivery != DeliveryPolicy():
        shared["delivery"] = spec.delivery
    if spec.max_in_flight != TriggerSpec(kind=spec.kind, name="").max_in_flight:
        shared["max_in_flight"] = spec.max_in_flight
    for option, value in (
        ("transform", spec.transform),
        ("ordered_by", spec.ordered_by),
        ("on_success", _destination(spec.on_success, function, find)),
        ("on_failure", _destination(spec.on_failure, function, find)),
    ):
        if value is not None:
            shared[option] = value
    getattr(on, spec.kind)(*arguments, **spec.options, **shared)(function)


def _destination(
    spec: DestinationSpec | None, function: RemoteFunction[Any, Any], find: Find
) -> Destination:
    if spec is None:
        return None
    if spec.secret:
        raise NotDeployable(
            function.name,
            f"the URL {spec.to} that its results go to was given with credentials, which are not "
            "deployed with it",
            "Give the whole URL where the function is run.",
        )
    return find(spec.to) if spec.kind == "function" else spec.to
