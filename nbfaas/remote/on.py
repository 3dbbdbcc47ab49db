"""``on``: the decorators that have a function run when something happens.

Each takes these options besides its own: ``name`` (of the trigger; default: the function's name
and the kind), ``delivery`` (a ``DeliveryPolicy``, or a number of attempts), ``on_success`` and
``on_failure`` (a function, the type of an event for the bus, or a URL, which gets the result or the
failure), ``transform`` (what the function gets as data: ``{"total": "$.data.total"}``),
``ordered_by`` (a path such as ``"$.data.customer"``: events with equal values there are handled one
after the other), ``max_in_flight`` (how many events of the trigger may be under way; 64).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nbfaas.errors import BadTrigger
from nbfaas.model.function import Volume
from nbfaas.remote.decorator import remote
from nbfaas.remote.function import RemoteFunction
from nbfaas.remote.options import RESERVED_TARGETS
from nbfaas.remote.trigger_options import TriggerOptions, parse_trigger_options
from nbfaas.remote.trigger_specs import describe_trigger, is_recording_only
from nbfaas.remote.triggers import add_trigger, next_name
from nbfaas.rules import Pattern
from nbfaas.service import get_service
from nbfaas.triggers.http_source import Respond
from nbfaas.triggers.source import Source
from nbfaas.triggers.trigger import FUNCTION, Trigger

Decorator = Callable[[Any], RemoteFunction[Any, Any]]
_OF_DELIVERY = ("delivery", "on_success", "on_failure", "ordered_by", "max_in_flight")


class On:
    """The kinds of triggers. Decorators may be stacked: each adds a trigger."""

    def __repr__(self) -> str:
        return "<nbfaas.on: schedule, every, file, http, queue, event>"

    def event(self, pattern: Mapping[str, Any] | str, /, **options: Any) -> Decorator:
        """When an event that matches ``pattern`` is on the bus: an Amazon EventBridge event pattern
        over the CloudEvent as JSON, such as ``{"type": ["order.created"], "data": {"total":
        [{"numeric": [">", 100]}]}}``; or, for short, a type. Raises ``BadPattern``."""
        if isinstance(pattern, str) and not pattern.lstrip().startswith("{"):
            if not pattern:
                raise BadTrigger("event", "pattern", pattern, "give a type, or a pattern")
            if "*" in pattern:
                wanted = (
                    "a type is taken as it is; for any that fit write "
                    f'{{"type": [{{"wildcard": "{pattern}"}}]}}'
                )
                raise BadTrigger("event", "pattern", pattern, wanted)
            pattern = {"type": [pattern]}
        rule = Pattern.parse(pattern)
        return self._decorate("event", None, options, [rule.to_dict()], rule=rule)

    def schedule(self, cron: str, /, *, timezone: str = "UTC", **options: Any) -> Decorator:
        """At the times of a cron expression of five fields, ``"*/5 * * * *"``, in ``timezone`` (an
        IANA name, or ``"local"``). Runs that were missed are made up once."""
        from nbfaas.triggers.schedule import ScheduleSource

        def make(name: str) -> Source:
            return ScheduleSource(name, cron, timezone=timezone)

        return self._decorate_with("schedule", options, make, [cron], {"timezone": timezone})

    def every(self, seconds: float, /, **options: Any) -> Decorator:
        """Every so many seconds, at least 0.1."""
        from nbfaas.triggers.schedule import ScheduleSource

        def make(name: str) -> Source:
            return ScheduleSource(name, seconds)

        return self._decorate_with("every", options, make, [seconds])

    def file(
        self,
        pattern: str | Path,
        /,
        *,
        events: Iterable[str] = ("created", "modified"),
        stable: float = 0.5,
        existing: bool = True,
        **options: Any,
    ) -> Decorator:
        """When a file whose path matches ``pattern`` (``"inbox/*.csv"``, ``**`` for folders of any
        depth) was created or modified (or ``"deleted"``), and has not changed for ``stable``
        seconds. ``existing``: whether files that are there at the very first start count.

        The folder is made, if it is not there, and mounted read-only into the function's sandbox,
        at its own path, unless something is mounted there already.
        """
        from nbfaas.triggers.file_source import FileSource

        # What it means now is meant for good, whatever folder the notebook changes to.
        absolute = os.path.join(os.getcwd(), os.path.expanduser(pattern))

        def make(name: str) -> FileSource:
            return FileSource(
                name, absolute, events=tuple(events), stable=stable, existing=existing
            )

        folder = make("checked").folder
        if folder in RESERVED_TARGETS:
            wanted = (
                f"a sandbox has a {folder} of its own, where it can't see this machine's; watch a "
                "folder below it, or another one"
            )
            raise BadTrigger("file", "pattern", os.fspath(pattern), wanted)
        own = {"events": tuple(events), "stable": stable, "existing": existing}
        decorate = self._decorate_with("file", options, make, [absolute], own)

        def mount_and_decorate(decorated: Any) -> RemoteFunction[Any, Any]:
            function = _remote(decorated)
            if not is_recording_only() and get_service().events.triggers.here:
                # Docker would make it, as root, and so the first file could not be put there.
                os.makedirs(folder, exist_ok=True)
            function.mount(Volume(folder, folder, read_only=True))
            return decorate(function)

        return mount_and_decorate

    def http(
        self,
        method: str,
        path: str,
        /,
        *,
        respond: Respond = "sync",
        deadline: float = 30.0,
        auth: bool = True,
        **options: Any,
    ) -> Decorator:
        """When a request comes to ``path`` (``"/orders/{id}"``). ``nbfaas.endpoint()`` tells the
        address and the token. ``respond="sync"``: the response is the function's result, within
        ``deadline`` seconds; the request is not kept, and not repeated. ``"async"``: 202 with an
        id, once the request is durable; only then there are the options about delivery.
        ``auth``: whether the token is asked for."""
        from nbfaas.triggers.http_source import HttpSource

        if respond == "sync":
            for option in _OF_DELIVERY:
                if options.get(option) is not None:
                    wanted = "it needs respond='async': a request that waits is not kept"
                    raise BadTrigger("http", option, options[option], wanted)
        source = HttpSource(method, path, respond=respond, deadline=deadline, auth=auth)
        own = {"respond": respond, "deadline": deadline, "auth": auth}
        decorate = self._decorate_with(
            "http", options, lambda name: source, [method, path], own, listens=True
        )

        def check_and_decorate(decorated: Any) -> RemoteFunction[Any, Any]:
            function = _remote(decorated)
            for parameter in source.parameters:
                if not function._binding().may_use(parameter):
                    wanted = (
                        f"function {function.name!r} takes no {parameter!r}; name a parameter so, "
                        "or one event, which has all of the request"
                    )
                    raise BadTrigger("http", "path", path, wanted)
            return decorate(function)

        return check_and_decorate

    def queue(self, url: str, /, **options: Any) -> Decorator:
        """When a message comes from a queue: ``on.queue("redis://localhost:6379/0",
        stream="orders")`` or ``on.queue("nats://localhost:4222", stream="ORDERS",
        subject="orders.>")``. A message is acknowledged there once it is durable here."""
        from nbfaas.triggers.queue_source import QueueSource

        own = {
            name: options.pop(name) for name in list(options) if name not in TriggerOptions.NAMES
        }

        def make(name: str) -> Source:
            return QueueSource.from_url(url, **own)

        return self._decorate_with("queue", options, make, [url], own)

    # -- what they share

    def _decorate_with(
        self,
        kind: str,
        options: Mapping[str, Any],
        make: Callable[[str], Source],
        arguments: Sequence[Any],
        own: Mapping[str, Any] | None = None,
        listens: bool = False,
    ) -> Decorator:
        make("checked")  # what is wrong is told at the line of the decorator
        return self._decorate(kind, make, options, arguments, own or {}, listens=listens)

    def _decorate(
        self,
        kind: str,
        make: Callable[[str], Source] | None,
        options: Mapping[str, Any],
        arguments: Sequence[Any],
        own: Mapping[str, Any] | None = None,
        *,
        rule: Pattern | None = None,
        listens: bool = False,
    ) -> Decorator:
        given = parse_trigger_options(kind, options)

        def decorate(decorated: Any) -> RemoteFunction[Any, Any]:
            function = _remote(decorated)
            function.version()  # what can't be packaged is told now, and not to the first event
            name = given.name or next_name(function, kind)
            source = None if make is None else make(name)
            trigger = Trigger(
                name,
                kind if source is None else source.kind,
                FUNCTION + function.name,
                _shown(rule) if source is None else source.describe(),
                source=source,
                pattern=rule,
                transformer=given.transformer,
                policy=given.policy,
                ordered_by=given.ordered_by,
                window=given.max_in_flight,
                spec=describe_trigger(kind, name, arguments, own or {}, given, options),
            )
            if is_recording_only():
                function.triggers.append(trigger)
                return function
            add_trigger(trigger, function, given)
            if listens:
                get_service().endpoint()
            return function

        return decorate


def _shown(rule: Pattern | None) -> str:
    return "" if rule is None else rule.source


def _remote(function: Any) -> RemoteFunction[Any, Any]:
    return function if isinstance(function, RemoteFunction) else remote(function)


on = On()
