"""What is wrong with triggers, events, and the store that keeps them."""

from __future__ import annotations

from nbfaas.errors.base import NbfaasError, ReadableKeyError


class TriggerError(NbfaasError):
    """A trigger can't be had, or does not work."""


class BadTrigger(TriggerError, ValueError):
    """An option of a trigger has a value that makes no sense."""

    def __init__(self, kind: str, option: str, value: object, wanted: str) -> None:
        super().__init__(f"on.{kind}: {option}={value!r} is not valid: {wanted}")
        self.kind = kind
        self.option = option
        self.value = value


class RouteTaken(BadTrigger):
    """Another trigger, ``trigger``, has this method and path already; ``route`` is ``GET /x``."""

    def __init__(self, route: str, path: str, trigger: str) -> None:
        wanted = (
            f"{route} leads to the trigger {trigger!r} already; remove that one "
            f"(%faas triggers remove {trigger}), or choose another path"
        )
        super().__init__("http", "path", path, wanted)
        self.route = route
        self.trigger = trigger


class UnknownTrigger(TriggerError, ReadableKeyError):
    """No trigger has this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        there = f"there are {', '.join(known)}" if known else "there is none yet"
        super().__init__(f"no trigger is called {name!r}; {there}")
        self.name = name


class DeliveryError(NbfaasError):
    """An event can't be accepted or delivered."""


class EventConflict(DeliveryError):
    """Another event with the same source and id was accepted before."""

    def __init__(self, source: str, event_id: str) -> None:
        super().__init__(
            f"an event with source {source!r} and id {event_id!r} was accepted before, with other "
            "contents. Source and id name one event: give this one an id of its own."
        )
        self.source = source
        self.event_id = event_id


class IntakeFull(DeliveryError):
    """Too many events wait already; this one was not accepted."""

    def __init__(self, waiting: int, limit: int, retry_after: float) -> None:
        super().__init__(
            f"{waiting:,} events wait to be delivered, and no more than {limit:,} may; this one "
            f"was not accepted. Try again in {retry_after:.0f} s, or raise "
            "nbfaas.config.max_backlog."
        )
        self.retry_after = retry_after


class UnknownDeadLetter(DeliveryError, ReadableKeyError):
    """No dead letter has this number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"no dead letter has the number {number}; %faas dlq list shows them")
        self.number = number


class EventTooLarge(DeliveryError):
    """An event that a source has brought, or a transformer has made, is larger than is kept."""

    def __init__(self, event_id: str, size: object, limit: int) -> None:
        shown = f"{size / 1e6:,.0f} MB" if isinstance(size, int) else "too much"
        super().__init__(
            f"the event {event_id!r} was {shown} as JSON, and no more than {limit / 1e6:,.0f} MB "
            "are kept: its data was left out. Have a path or a key sent in the place of the data."
        )


class ChainTooLong(DeliveryError):
    """Destinations led from event to event for too many links; probably they form a loop."""

    def __init__(self, trigger: str, depth: int, limit: int) -> None:
        super().__init__(
            f"the chain of destinations that led to {trigger!r} has {depth} links, and no more "
            f"than {limit} are followed. If it is no loop, raise nbfaas.config.max_chain."
        )


class ResultNotJson(DeliveryError):
    """A function's result has to become an event or an HTTP response, and is no JSON."""

    def __init__(self, function: str, place: str, reason: str) -> None:
        super().__init__(
            f"{function!r} returned something that is no JSON, but its result goes on to {place}: "
            f"{reason}. Return dicts, lists, strings, numbers."
        )


class UrlFailed(DeliveryError):
    """The receiver at a URL did not accept an event."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"the event could not be sent to {url}: {reason}")
        self.url = url
        self.reason = reason


class EventStoreError(DeliveryError):
    """The event store can't be used; nothing was accepted."""


class EventStoreUnavailable(EventStoreError):
    """The store can't be written or read."""

    def __init__(self, path: str, reason: str, fix: str) -> None:
        super().__init__(
            f"the event store {path} can't be used: {reason}. Nothing was accepted. {fix}"
        )
        self.path = path
        self.reason = reason


class EventStoreHeld(EventStoreError):
    """Another process holds the store: events are delivered by one process at a time."""

    def __init__(
        self,
        path: str,
        holder: str,
        by_this_process: bool = False,
        setting: str = "nbfaas.config.event_store = 'another-name'",
    ) -> None:
        super().__init__(
            f"the event store {path} is held by {holder}. Stop that process, or give this one a "
            f"store of its own: {setting}."
        )
        self.path = path
        self.holder = holder
        self.by_this_process = by_this_process


class EventStoreDamaged(EventStoreError):
    """The store's file is not readable. It is kept as it is, and nothing is accepted."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"the event store {path} is damaged ({reason}). It was left as it is, because accepted "
            "events may be in it, and nothing is accepted meanwhile. Restore it from a backup, "
            "recover it (`sqlite3 FILE .recover`), or move it away to begin with an empty one."
        )
        self.path = path
        self.reason = reason
