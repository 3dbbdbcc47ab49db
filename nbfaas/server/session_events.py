"""``/sessions/ID/events/…``: events, triggers and dead letters of the server, for a notebook."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs

import msgspec

from nbfaas.agent.event import BadEvent, Event
from nbfaas.errors import NbfaasError, TriggerError, UnknownDeadLetter
from nbfaas.gateway.exchange import Exchange
from nbfaas.gateway.problems import problem_of
from nbfaas.gateway.reply import Refusal, Reply, json_reply, not_allowed, problem
from nbfaas.gateway.request import read_json
from nbfaas.model.failures import tell
from nbfaas.model.session_events import NewTrigger, ReceiptTold, Standing, TriggerRow
from nbfaas.server.session_triggers import SessionTriggers
from nbfaas.triggers.schedule import ScheduleSource

if TYPE_CHECKING:
    from nbfaas.metrics.registry import Metrics
    from nbfaas.server.functions import ServedFunctions
    from nbfaas.server.session import Session
    from nbfaas.triggers.engine import EventEngine
    from nbfaas.triggers.trigger import Trigger

T = TypeVar("T")
Query = dict[str, str]
_MOST = 10_000  # rows of an answer
_LARGEST = 256 * 1024 * 1024  # bytes of a request: events are as large as that
_LONGEST_DRAIN = 2.0  # seconds that a request waits; the client asks again


class _Accept(msgspec.Struct):
    events: list[dict[str, Any]]
    to: list[str] = []


class _Named(msgspec.Struct):
    name: str


class _Which(msgspec.Struct):
    """Of dead letters: those with the numbers, or all; of one trigger, or of all."""

    numbers: list[int] | None
    trigger: str | None


class _Ids(msgspec.Struct):
    ids: list[str]


class _Within(msgspec.Struct):
    within: float


class SessionEvents:
    """What all sessions share. Coroutines run on the engine's loop."""

    def __init__(
        self,
        engine: EventEngine,
        functions: ServedFunctions,
        metrics: Callable[[], Metrics],
    ) -> None:
        self._engine = engine
        self._metrics = metrics
        self._triggers = SessionTriggers(engine, functions)
        self._asked: dict[str, Callable[[Query], Awaitable[Any]]] = {
            "standing": self._standing,
            "dead_letters": self._dead_letters,
            "dead_letter": self._dead_letter,
            "history": self._history,
            "next_runs": self._next_runs,
            "metrics": self._snapshot,
        }
        self._told: dict[str, Callable[[Session, bytes], Awaitable[Any]]] = {
            "accept": self._accept,
            "add": self._add,
            "remove": self._remove,
            "pause": self._pause,
            "resume": self._resume,
            "drain": self._drain,
            "redrive": self._redrive,
            "purge": self._purge,
            "forget": self._forget,
            "find": self._find,
        }

    def __repr__(self) -> str:
        return f"<SessionEvents of {self._engine!r}>"

    async def answer(self, session: Session, path: str, exchange: Exchange) -> Reply:
        """JSON. Errors are told with type, message and attributes, for the client to raise."""
        asked, told = self._asked.get(path), self._told.get(path)
        try:
            if asked is not None:
                if exchange.method != "GET":
                    return not_allowed(("GET",))
                found = await asked(_query(exchange))
                return await asyncio.to_thread(_reply, found)  # it may be ten thousand events
            elif told is not None:
                if exchange.method != "POST":
                    return not_allowed(("POST",))
                return _reply(await told(session, await exchange.body(_LARGEST)))
            return problem(404, f"there is nothing at {exchange.path}")
        except (NbfaasError, BadEvent) as error:
            return _problem(error)

    # -- what is asked

    async def _standing(self, query: Query) -> Standing:
        store = self._engine.store
        oldest, dead = await asyncio.to_thread(lambda: (store.oldest(), store.dead_counts()))
        rows = tuple(self._row(each) for each in self._engine.triggers)
        return Standing(rows, dict(store.waiting), dict(oldest), dict(dead))

    def _row(self, trigger: Trigger) -> TriggerRow:
        made = self._triggers.maker_of(trigger.name)
        source, spec = trigger.source, trigger.spec if made is None else made.given.spec
        schedule = None
        if isinstance(source, ScheduleSource) and spec is not None:
            schedule = (spec.arguments[0], str(spec.options.get("timezone", "UTC")))
        return TriggerRow(
            trigger.name,
            trigger.kind,
            trigger.kept_target,
            trigger.shown,
            str(trigger.state),
            trigger.problem or (None if source is None else source.problem),
            trigger.policy,
            None if trigger.pattern is None else trigger.pattern.to_dict(),
            schedule,
            None if made is None else made.session.id,
            None if made is None else made.given.maker,
        )

    async def _dead_letters(self, query: Query) -> Any:
        of, most = query.get("trigger"), _count(query)
        return await asyncio.to_thread(self._engine.store.dead_letters, of, most)

    async def _dead_letter(self, query: Query) -> Any:
        number = _count(query, most=2**63 - 1)
        found = await asyncio.to_thread(self._engine.store.dead_letter, number)
        if found is None:
            raise UnknownDeadLetter(number)
        return found

    async def _history(self, query: Query) -> Any:
        of, most = query.get("trigger"), _count(query)
        return await asyncio.to_thread(self._engine.store.history, of, most)

    async def _next_runs(self, query: Query) -> list[str]:
        source = self._engine.triggers[query.get("name", "")].source
        if not isinstance(source, ScheduleSource):
            raise Refusal(400, "only schedules have next runs")
        return [each.isoformat() for each in source.next_runs(_count(query))]

    async def _snapshot(self, query: Query) -> dict[str, Any]:
        return await asyncio.to_thread(lambda: self._metrics().snapshot())

    # -- what is told

    async def _accept(self, session: Session, body: bytes) -> list[ReceiptTold]:
        given = _read(body, _Accept)
        for name in given.to:
            self._engine.triggers[name]
        events = [Event.from_dict(each) for each in given.events]
        receipts = await self._engine.accept(events, to=given.to)
        return [ReceiptTold(each.triggers, each.duplicate) for each in receipts]

    async def _add(self, session: Session, body: bytes) -> None:
        await self._triggers.add(session, _read(body, NewTrigger))

    async def _remove(self, session: Session, body: bytes) -> None:
        await self._triggers.remove(session, _read(body, _Named).name)

    async def _pause(self, session: Session, body: bytes) -> None:
        await self._engine.pause(_read(body, _Named).name)

    async def _resume(self, session: Session, body: bytes) -> None:
        await self._engine.resume(_read(body, _Named).name)

    async def _drain(self, session: Session, body: bytes) -> bool:
        return await self._engine.drain(min(_LONGEST_DRAIN, _read(body, _Within).within))

    async def _redrive(self, session: Session, body: bytes) -> int:
        which = _read(body, _Which)
        return await self._engine.redrive(which.numbers, which.trigger)

    async def _purge(self, session: Session, body: bytes) -> int:
        which = _read(body, _Which)
        purging = self._engine.store.purge(which.numbers, which.trigger)
        return await asyncio.wrap_future(purging)

    async def _forget(self, session: Session, body: bytes) -> int:
        forgetting = self._engine.store.forget(_read(body, _Named).name)
        return await asyncio.wrap_future(forgetting)

    async def _find(self, session: Session, body: bytes) -> Any:
        return await asyncio.to_thread(self._engine.store.events, _read(body, _Ids).ids)


def _reply(found: Any) -> Reply:
    return json_reply(200, msgspec.to_builtins(found))


def _problem(error: Exception) -> Reply:
    told = tell(error)
    if isinstance(error, KeyError):  # UnknownTrigger, UnknownDeadLetter, NotServed
        status = 404
    elif isinstance(error, TriggerError | ValueError):
        status = 400
    else:
        status = problem_of(error).status
    return problem(status, told.message, error=told.type, attributes=told.attributes)


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.convert(read_json(body), kind)
    except ValueError as error:  # msgspec's are such
        raise Refusal(400, f"the body is not what was expected: {error}") from None


def _query(exchange: Exchange) -> Query:
    found = parse_qs(exchange.scope["query_string"].decode("latin-1"))
    return {name: values[-1] for name, values in found.items()}


def _count(query: Query, most: int = _MOST) -> int:
    text = query.get("n", "100")
    if not (text.isascii() and text.isdigit()) or int(text) > most:
        raise Refusal(400, f"n is a number up to {most}")
    return int(text)
