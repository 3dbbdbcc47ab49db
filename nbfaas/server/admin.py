"""``/admin/…``: what operators ask a running server, and tell it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from nbfaas.errors.delivery import UnknownTrigger
from nbfaas.gateway.exchange import Exchange
from nbfaas.gateway.reply import Refusal, Reply, json_reply, not_allowed, problem
from nbfaas.gateway.request import read_json
from nbfaas.gateway.roles import Role

if TYPE_CHECKING:
    from nbfaas.service import Service
    from nbfaas.triggers.engine import EventEngine
    from nbfaas.triggers.trigger import Trigger

_MOST = 1000
_WITHOUT_PAYLOADS = frozenset({"ps", "triggers"})
Answer = Callable[[Exchange], Awaitable[Reply]]


class Admin:
    """``reload`` looks into the catalog, and tells what has changed, line by line."""

    def __init__(
        self,
        service: Service,
        engine: EventEngine,
        reload: Callable[[], Awaitable[list[str]]],
    ) -> None:
        self._service = service
        self._engine = engine
        self._reload_now = reload
        self._there: dict[str, tuple[str, Answer]] = {
            "ps": ("GET", self._ps),
            "logs": ("GET", self._logs),
            "triggers": ("GET", self._triggers),
            "dlq": ("GET", self._dead),
            "dlq/redrive": ("POST", self._redrive),
            "dlq/purge": ("POST", self._purge),
            "reload": ("POST", self._reload),
        }

    def __repr__(self) -> str:
        return "<Admin>"

    def roles(self, path: str) -> tuple[Role, ...]:
        """Those that may ask for ``path`` besides admins."""
        return (Role.READ,) if path in _WITHOUT_PAYLOADS else ()

    async def answer(self, path: str, exchange: Exchange) -> Reply:
        found = self._there.get(path)
        if found is None:
            if path.startswith("triggers/"):
                return await self._change_trigger(path.split("/")[1:], exchange)
            return problem(404, f"there is nothing at {exchange.path}")
        method, serve = found
        if exchange.method != method and (exchange.method, method) != ("HEAD", "GET"):
            return not_allowed((method,))
        return await serve(exchange)

    async def _ps(self, exchange: Exchange) -> Reply:
        rows = await asyncio.to_thread(self._service.sandboxes)
        return json_reply(
            200,
            {"backend": self._service.backend.name, "sandboxes": [asdict(row) for row in rows]},
        )

    async def _logs(self, exchange: Exchange) -> Reply:
        query = _query(exchange)
        found = await asyncio.to_thread(self._find_log, query)
        if found is None:
            what = query.get("id") or query.get("function") or ""
            return problem(404, f"there is no invocation of {what!r} in the journal")
        return json_reply(200, found)

    def _find_log(self, query: dict[str, str]) -> dict[str, Any] | None:
        journal = self._service.journal
        if journal is None:
            return None
        journal.flush()
        if "id" in query:
            entry = journal.find(query["id"])
        else:
            latest = journal.latest(1, function=query.get("function"))
            entry = latest[0] if latest else None
        if entry is None:
            return None
        text = journal.log(entry.id).decode("utf-8", "replace")
        lines = text.splitlines()[-_count(query) :]
        return {
            "id": entry.id,
            "function": entry.function,
            "state": str(entry.state),
            "error": entry.error,
            "lines": lines,
        }

    async def _triggers(self, exchange: Exchange) -> Reply:
        waiting = self._engine.store.waiting
        rows = [_described(each, waiting.get(each.name, 0)) for each in self._engine.triggers]
        return json_reply(200, {"triggers": sorted(rows, key=lambda row: str(row["name"]))})

    async def _change_trigger(self, parts: list[str], exchange: Exchange) -> Reply:
        changes = {"pause": self._engine.pause, "resume": self._engine.resume}
        if len(parts) != 2 or parts[1] not in changes:
            return problem(404, f"there is nothing at {exchange.path}")
        if exchange.method != "POST":
            return not_allowed(("POST",))
        try:
            await changes[parts[1]](parts[0])
        except UnknownTrigger as error:
            return problem(404, str(error), error="UnknownTrigger")
        return json_reply(200, _described(self._engine.triggers[parts[0]], 0))

    async def _dead(self, exchange: Exchange) -> Reply:
        query = _query(exchange)
        letters = await asyncio.to_thread(
            self._engine.store.dead_letters, query.get("trigger"), _count(query)
        )
        rows = [
            {
                "number": letter.number,
                "trigger": letter.trigger,
                "reason": letter.reason,
                "died_ago": max(0.0, time.time() - letter.died_at),
                "attempts": len(letter.attempts),
                "error": next((a.error for a in reversed(letter.attempts) if a.error), None),
                "event": dict(letter.event),
            }
            for letter in letters
        ]
        return json_reply(200, {"dead_letters": rows})

    async def _redrive(self, exchange: Exchange) -> Reply:
        numbers, trigger = await _which(exchange)
        return json_reply(200, {"count": await self._engine.redrive(numbers, trigger)})

    async def _purge(self, exchange: Exchange) -> Reply:
        numbers, trigger = await _which(exchange)
        purging = self._engine.store.purge(numbers, trigger)
        return json_reply(200, {"count": await asyncio.wrap_future(purging)})

    async def _reload(self, exchange: Exchange) -> Reply:
        return json_reply(200, {"changes": await self._reload_now()})


def _described(trigger: Trigger, waiting: int) -> dict[str, Any]:
    source = trigger.source
    return {
        "name": trigger.name,
        "kind": trigger.kind,
        "shown": trigger.shown,
        "target": trigger.target_name,
        "state": str(trigger.state),
        "problem": trigger.problem or (None if source is None else source.problem),
        "waiting": waiting,
    }


def _query(exchange: Exchange) -> dict[str, str]:
    found = parse_qs(exchange.scope["query_string"].decode("latin-1"))
    return {name: values[-1] for name, values in found.items()}


def _count(query: dict[str, str]) -> int:
    text = query.get("n", "100")
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= _MOST:
        raise Refusal(400, f"n is a number from 1 to {_MOST}")
    return int(text)


async def _which(exchange: Exchange) -> tuple[list[int] | None, str | None]:
    """``{"numbers": [1, 2]}``, ``{"trigger": "…"}`` or ``{"all": true}``."""
    wanted = 'send {"numbers": [1, 2]}, {"trigger": "…"} or {"all": true}'
    try:
        given = read_json(await exchange.body())
    except ValueError:
        raise Refusal(400, wanted) from None
    match given:
        case {"numbers": [*numbers]} if len(given) == 1 and numbers:
            if all(type(each) is int for each in numbers):
                return numbers, None
        case {"trigger": str(trigger)} if len(given) == 1:
            return None, trigger
        case {"all": True} if len(given) == 1:
            return None, None
    raise Refusal(400, wanted)
