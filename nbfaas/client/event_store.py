"""The event store of a server, as a notebook that works there asks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import msgspec

from nbfaas.client.event_link import EventLink
from nbfaas.client.event_triggers import plain_target
from nbfaas.delivery.entry import KeptEvent
from nbfaas.errors import UnknownDeadLetter
from nbfaas.model.delivery import DeadLetter

_MOST = 10_000  # rows of an answer


class ServerEventStore:
    """What the layers above ask of an ``EventStore``. Blocks, but for what is as of the last
    standing; raises ``ServerError``."""

    def __init__(self, link: EventLink) -> None:
        self._link = link

    def __repr__(self) -> str:
        return f"<ServerEventStore of {self._link!r}>"

    @property
    def is_open(self) -> bool:
        return self._link.is_open

    @property
    def waiting(self) -> Mapping[str, int]:
        return self._link.standing().waiting

    @property
    def backlog(self) -> int:
        return sum(self.waiting.values())

    def oldest(self) -> Mapping[str, float]:
        return self._link.standing().oldest

    def dead_counts(self) -> Mapping[str, int]:
        return self._link.standing().dead

    def dead_letters(self, trigger: str | None = None, limit: int = 100) -> list[DeadLetter]:
        found = self._link.ask("dead_letters", **_filters(trigger, limit))
        return [_letter(each) for each in found]

    def dead_letter(self, number: int) -> DeadLetter | None:
        if number < 0:
            return None
        try:
            return _letter(self._link.ask("dead_letter", n=number))
        except UnknownDeadLetter:
            return None

    def history(self, trigger: str | None = None, limit: int = 100) -> list[KeptEvent]:
        found = self._link.ask("history", **_filters(trigger, limit))
        return [_event(each) for each in found]

    def events(self, ids: Sequence[str]) -> list[KeptEvent]:
        return [_event(each) for each in self._link.ask_for("find", {"ids": list(ids)})]

    def purge(self, numbers: Sequence[int] | None, trigger: str | None = None) -> Future[int]:
        """Done when it returns."""
        purged: Future[int] = Future()
        which = {"numbers": None if numbers is None else list(numbers), "trigger": trigger}
        purged.set_result(self._link.tell("purge", which))
        return purged

    def forget(self, trigger: str) -> Future[int]:
        """Done when it returns."""
        forgotten: Future[int] = Future()
        forgotten.set_result(self._link.tell("forget", {"name": trigger}))
        return forgotten


def _letter(told: Any) -> DeadLetter:
    letter = msgspec.convert(told, DeadLetter)
    return replace(letter, target=plain_target(letter.target))


def _event(told: Any) -> KeptEvent:
    event = msgspec.convert(told, KeptEvent)
    deliveries = [replace(each, target=plain_target(each.target)) for each in event.deliveries]
    return replace(event, deliveries=tuple(deliveries))


def _filters(trigger: str | None, limit: int) -> dict[str, str | int]:
    limited: dict[str, str | int] = {"n": min(limit, _MOST)}
    return limited if trigger is None else {**limited, "trigger": trigger}
