"""Triggers made anew from the data that a manifest has of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from nbfaas.errors import NbfaasError
from nbfaas.errors.serve import ServerConfigError, TriggerNotMade
from nbfaas.model.delivery import DeliveryPolicy
from nbfaas.model.function import Retries
from nbfaas.model.trigger_spec import DestinationSpec, TriggerSpec
from nbfaas.server.routing import ServedFunction
from nbfaas.triggers.targets import FunctionTarget
from nbfaas.triggers.trigger import FUNCTION, URL, Destinations, Trigger

if TYPE_CHECKING:
    from nbfaas.remote.function import RemoteFunction

_LONGEST_AGE = 6 * 3600.0
Followers = list[tuple[Trigger, FunctionTarget | None]]


def invoke_trigger(served: ServedFunction, retries: Retries) -> Trigger:
    """What asynchronous calls are addressed to: neither source nor rule. The function's retries
    become attempts of the delivery, which are kept on disk."""
    policy = DeliveryPolicy(
        max_attempts=1 + retries.max_retries,
        initial_delay=retries.initial_delay,
        backoff_coefficient=retries.backoff_coefficient,
        max_delay=retries.max_delay,
        max_age=_LONGEST_AGE,
    )
    target = FUNCTION + served.name
    return Trigger(served.trigger, "invoke", target, f"calls of {served.name}", policy=policy)


def rebuild_trigger(
    spec: TriggerSpec,
    function: RemoteFunction[Any, Any],
    served: FunctionTarget,
    find: Callable[[str], FunctionTarget | None],
    urls: Mapping[str, str],
) -> tuple[Trigger, Followers]:
    """The trigger, not yet registered, with the triggers of its destinations. ``function`` is what
    the decorator is given, ``served`` gets the events; ``find`` gives the function that a
    destination names; ``urls`` are those with credentials, by the name of the queue's trigger, or
    of the destination's (``NAME.on_failure``). Raises ``ServerConfigError``, ``BadTrigger``,
    ``TriggerNotMade``."""
    from nbfaas.remote.trigger_making import make_trigger
    from nbfaas.remote.trigger_specs import recording_only

    url = _whole_url(spec.name, "its queue", served.name, urls) if spec.secret else None
    # Where its destinations lead is told below: here functions are what their aliases lead to.
    plain = msgspec.structs.replace(spec, on_success=None, on_failure=None)
    with recording_only():
        try:
            make_trigger(plain, function, _no_destination, url=url)
        except NbfaasError:
            raise
        except Exception as error:  # noqa: BLE001 - manifests may hold what no decorator has noted
            reason = f"{type(error).__name__}: {error}"
            raise TriggerNotMade(served.name, spec.name, reason) from None
    trigger = function.triggers.pop()
    trigger.target = FUNCTION + served.name
    trigger.spec = spec
    if spec.kind == "file":
        _make_folder(trigger, served.name)
    followers: Followers = []
    given = (trigger, find, urls, followers)
    success = _destination(spec.on_success, "on_success", *given)
    failure = _destination(spec.on_failure, "on_failure", *given)
    trigger.destinations = Destinations(*success, *failure)
    return trigger, followers


def _no_destination(name: str) -> RemoteFunction[Any, Any]:
    raise AssertionError(name)


def _whole_url(trigger: str, of: str, function: str, urls: Mapping[str, str]) -> str:
    """The URL of a queue or a destination that was deployed without its credentials."""
    if trigger not in urls:
        key = trigger if trigger.replace("-", "").replace("_", "").isalnum() else f'"{trigger}"'
        raise ServerConfigError(
            "the configuration",
            "queue_env",
            f"the trigger {trigger!r} of {function!r} was deployed without the password of "
            f"{of}; put {key} = 'VARIABLE' here, with the whole URL in that variable",
        )
    return urls[trigger]


def _make_folder(trigger: Trigger, function: str) -> None:
    from nbfaas.triggers.file_source import FileSource

    assert isinstance(trigger.source, FileSource)
    try:
        os.makedirs(trigger.source.folder, exist_ok=True)  # Docker would make it, as root
    except OSError as error:
        reason = f"{trigger.source.folder} can't be made: {error.strerror}"
        raise TriggerNotMade(function, trigger.name, reason) from None


def _destination(
    to: DestinationSpec | None,
    option: str,
    trigger: Trigger,
    find: Callable[[str], FunctionTarget | None],
    urls: Mapping[str, str],
    followers: Followers,
) -> tuple[str | None, str | None]:
    """The name of the trigger, put to ``followers``, and the type of event it stands for."""
    if to is None:
        return None, None
    if to.kind == "type":
        return None, to.to
    target = find(to.to) if to.kind == "function" else None
    if to.kind == "function" and target is None:
        raise ServerConfigError(
            "the configuration",
            "functions",
            f"{option} of the trigger {trigger.name!r} leads to the function {to.to!r}, which is "
            "not served; deploy it with an alias prod, or add it",
        )
    name = f"{trigger.name}.{option}"
    url = _whole_url(name, to.to, trigger.target_name, urls) if to.secret else to.to
    follower = Trigger(
        name,
        "destination",
        URL + url if target is None else FUNCTION + target.name,
        f"{option} of {trigger.name}",
        policy=trigger.policy,
    )
    followers.append((follower, target))
    return follower.name, None
