"""The triggers of a server, as a notebook that works there sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import ClassVar

import msgspec

from nbfaas.client.event_link import EventLink
from nbfaas.errors import UnknownTrigger
from nbfaas.model.session_events import TriggerRow
from nbfaas.rules import Pattern
from nbfaas.triggers.schedule import ScheduleSource
from nbfaas.triggers.trigger import FUNCTION, URL, Trigger, TriggerState, shown_target

Ask = Callable[[int], list[str]]


class ServerTriggers:
    """What the layers above ask of a ``Registry``; blocks, and raises ``ServerError``. Those that
    were made here are the same objects, and all are brought up to date by looking."""

    here: ClassVar[bool] = False

    def __init__(self, link: EventLink) -> None:
        self._link = link
        self._own: dict[str, tuple[str, Trigger]] = {}  # maker and trigger, by name
        self._others: dict[str, tuple[TriggerRow, Trigger]] = {}

    def __repr__(self) -> str:
        return f"<ServerTriggers of {self._link!r}>"

    def __iter__(self) -> Iterator[Trigger]:
        return iter([self._trigger(row) for row in self._link.standing().triggers])

    def __len__(self) -> int:
        return len(self._link.standing().triggers)

    def __contains__(self, name: object) -> bool:
        return any(row.name == name for row in self._link.standing().triggers)

    def get(self, name: str) -> Trigger | None:
        for row in self._link.standing().triggers:
            if row.name == name:
                return self._trigger(row)
        return None

    def __getitem__(self, name: str) -> Trigger:
        """Raises ``UnknownTrigger``."""
        found = self.get(name)
        if found is None:
            known = sorted(row.name for row in self._link.standing().triggers)
            raise UnknownTrigger(name, known)
        return found

    def holds(self, trigger: Trigger) -> bool:
        """Whether it is the one of its name that was made here last. Does not block."""
        return self._own.get(trigger.name, ("", None))[1] is trigger

    def now(self, trigger: Trigger) -> Trigger:
        """The one of its name, as it stands; itself, if there is none any more."""
        return self.get(trigger.name) or trigger

    def made(self, trigger: Trigger, maker: str) -> None:
        """It was made here."""
        if isinstance(trigger.source, ScheduleSource) and trigger.spec is not None:
            spec = trigger.spec
            zone = str(spec.options.get("timezone", "UTC"))
            ask = self._next_runs(trigger.name)
            trigger.source = _Schedule(trigger.name, spec.arguments[0], zone, ask)
        self._own[trigger.name] = maker, trigger

    def removed(self, name: str) -> None:
        self._own.pop(name, None)

    def is_own(self, name: str) -> bool:
        """Whether it was made here, or is a destination's of one that was."""
        made = [trigger for _, trigger in self._own.values()]
        return name in self._own or any(name in each.destinations.triggers for each in made)

    def _trigger(self, row: TriggerRow) -> Trigger:
        maker, own = self._own.get(row.name, ("", None))
        if own is not None and row.session == self._link.session and row.maker == maker:
            trigger = own
        else:
            trigger = self._other(row)
        trigger.state, trigger.problem = TriggerState(row.state), row.problem
        return trigger

    def _other(self, row: TriggerRow) -> Trigger:
        lasting = msgspec.structs.replace(row, state="", problem=None)
        known = self._others.get(row.name)
        if known is None or known[0] != lasting:
            known = self._others[row.name] = lasting, self._made_of(row)
        return known[1]

    def _made_of(self, row: TriggerRow) -> Trigger:
        source = None
        if row.schedule is not None:
            source = _Schedule(row.name, *row.schedule, self._next_runs(row.name))
        return Trigger(
            row.name,
            row.kind,
            plain_target(row.target),
            row.shown,
            source=source,
            pattern=None if row.pattern is None else Pattern.parse(row.pattern),
            policy=row.policy,
        )

    def _next_runs(self, name: str) -> Ask:
        return lambda n: self._link.ask("next_runs", name=name, n=n)


def plain_target(target: str) -> str:
    """As a target is called where functions run here; a URL without credentials."""
    return (FUNCTION if target.startswith(FUNCTION) else URL) + shown_target(target)


class _Schedule(ScheduleSource):
    """A schedule that runs on the server; only there it is known since when."""

    def __init__(self, name: str, when: str | float, timezone: str, ask: Ask) -> None:
        super().__init__(name, when, timezone=timezone)
        self._ask = ask

    def next_runs(self, n: int = 5, after: datetime | None = None) -> list[datetime]:
        if after is not None:
            return super().next_runs(n, after)
        zone = self._plan.zone
        return [datetime.fromisoformat(each).astimezone(zone) for each in self._ask(n)]
