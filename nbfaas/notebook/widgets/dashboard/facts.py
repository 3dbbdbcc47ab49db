"""How things stand now, as the service knows it: asked once a second."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nbfaas.model.delivery import DeadLetter
from nbfaas.remote.decorator import functions
from nbfaas.remote.triggers import TriggerHandle
from nbfaas.service import Place, PoolState

_MOST_LETTERS = 100  # that are listed


@dataclass(frozen=True, slots=True)
class TriggerFacts:
    name: str
    kind: str
    shown: str
    target: str
    state: str  # active, paused, failing, or missing: it is not defined in this kernel
    waiting: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """``pool``: None while there is no service, or its backend is not open yet. ``events``: whether
    the event store is in use. ``letters``: the latest dead letters; ``dead``: how many there are
    in all, by trigger."""

    pool: PoolState | None = None
    defined: list[str] = field(default_factory=list)
    events: bool = False
    triggers: list[TriggerFacts] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    dead: dict[str, int] = field(default_factory=dict)


def gather(service: Place | None, before: Facts, died: bool) -> Facts:
    """Raises what the service and its event store raise. ``before``: the last ones; ``died``:
    whether there may be other dead letters of the same number."""
    if service is None:
        return Facts(defined=list(functions))
    if service.failed:
        service.dispatcher  # noqa: B018 - raises what went wrong
    pool = service.pool()
    engine = service.events_if_open
    if engine is None or not engine.store.is_open:
        return Facts(pool, list(functions))
    dead = dict(engine.store.dead_counts())
    letters = before.letters
    if died or dead != before.dead:
        letters = engine.store.dead_letters(None, _MOST_LETTERS)
    return Facts(pool, list(functions), True, _triggers(service, engine), letters, dead)


def _triggers(service: Place, engine: Any) -> list[TriggerFacts]:
    found = []
    for trigger in list(engine.triggers):
        handle = TriggerHandle(trigger, service)
        found.append(
            TriggerFacts(
                handle.name,
                handle.kind,
                handle.shown,
                handle.target,
                str(handle.state),
                handle.waiting,
                handle.problem or "",
            )
        )
    known = {each.name for each in found}
    problem = "Defined in an earlier session: run its cell to have these delivered."
    for name, count in sorted(engine.store.waiting.items()):
        if count and name not in known:
            found.append(TriggerFacts(name, "", "", "", "missing", count, problem))
    return found
