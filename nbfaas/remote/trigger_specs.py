"""Recording what the decorators of ``on`` were given, so that a server can make the same triggers.

While ``recording_only`` is in force the decorators do nothing else: a file that is deployed from
the command line must not begin to handle events there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

from nbfaas.model.trigger_spec import DestinationSpec, Kind, TriggerSpec
from nbfaas.model.url import without_credentials
from nbfaas.remote.trigger_options import Destination, TriggerOptions

_recording_only: ContextVar[bool] = ContextVar("nbfaas_recording_only", default=False)


@contextmanager
def recording_only() -> Iterator[None]:
    """Have decorators of ``on`` only note what they are given, in this thread."""
    token = _recording_only.set(True)
    try:
        yield
    finally:
        _recording_only.reset(token)


def is_recording_only() -> bool:
    return _recording_only.get()


def describe_trigger(
    kind: str,
    name: str,
    arguments: Sequence[Any],
    own: Mapping[str, Any],
    given: TriggerOptions,
    options: Mapping[str, Any],
) -> TriggerSpec:
    """``own`` are the options of this kind of trigger; ``options`` are the others as they were
    written, and ``given`` the same, checked."""
    safe = [_without_credentials(each) for each in arguments]
    transformer = given.transformer
    return TriggerSpec(
        kind=cast(Kind, kind),
        name=name,
        arguments=tuple(safe),
        options={key: value for key, value in own.items() if value is not None},
        delivery=given.policy,
        transform=None if transformer is None else transformer.to_dict(),
        ordered_by=options.get("ordered_by"),
        max_in_flight=given.max_in_flight,
        on_success=_destination(given.on_success),
        on_failure=_destination(given.on_failure),
        secret=list(arguments) != safe,
    )


def _destination(to: Destination) -> DestinationSpec | None:
    if to is None:
        return None
    if not isinstance(to, str):
        return DestinationSpec("function", to.name)
    if "://" in to:
        safe = without_credentials(to)
        return DestinationSpec("url", safe, secret=safe != to)
    return DestinationSpec("type", to)


def _without_credentials(argument: Any) -> Any:
    """URLs of queues without user and password."""
    if not isinstance(argument, str) or "://" not in argument:
        return argument
    return without_credentials(argument)
