"""``POST /functions/NAME``: calls that wait for the result, and calls that are kept."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from nbfaas.agent.event import BadEvent, Event, new_id
from nbfaas.errors import ResultNotJson
from nbfaas.gateway.exchange import Exchange
from nbfaas.gateway.problems import problem_of
from nbfaas.gateway.reply import JSON, Headers, Refusal, Reply, json_reply
from nbfaas.gateway.request import is_json, media_type, read_json, trace
from nbfaas.gateway.roles import Role, Token
from nbfaas.server.routing import ServedFunction

if TYPE_CHECKING:
    from nbfaas.gateway.engine_port import EnginePort

EVENT_TYPE = "nbfaas.function.invoke"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_UNQUOTED = re.compile(r"[A-Za-z0-9._~@-]+")  # of a path (RFC 3986); ``quote`` takes its time
_WAIT = re.compile(r"wait=(\d{1,4})")
_FORM = "application/x-www-form-urlencoded"
_BYTES = (b"content-type", b"application/octet-stream")
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class Calls:
    """``deadline``: seconds that a call may take which does not say."""

    def __init__(self, port: EnginePort, deadline: float) -> None:
        self._port = port
        self._deadline = deadline

    def __repr__(self) -> str:
        return f"<Calls through {self._port!r}>"

    async def call(self, served: ServedFunction, exchange: Exchange, caller: Token) -> Reply:
        """The result as JSON (bytes: as they are), or 202 and where to ask for it."""
        asynchronous, deadline = self._preferred(exchange)
        event = _event(served, exchange.headers, await exchange.body(), caller.mark)
        if asynchronous:
            await self._port.enqueue(served.trigger, event)
            plain = _UNQUOTED.fullmatch(event.id) is not None
            url = "/invocations/" + (event.id if plain else quote(event.id, safe=""))
            applied = (b"preference-applied", b"respond-async")
            location = (b"location", url.encode())
            return json_reply(202, {"id": event.id, "status_url": url}, (location, applied))
        label, version = served.choose(event.id)
        told: Headers = ((b"nbfaas-function-version", label.encode()),)
        try:
            result = await self._port.call(served.trigger, event, deadline, version)
            reply = result_reply(result.value, served.name)
        except Exception as error:  # noqa: BLE001 - whatever the function raised
            reply = problem_of(error)
            return Reply(reply.status, (*reply.headers, *told), reply.body)
        if result.invocation is not None:
            told = (*told, (b"nbfaas-invocation-id", result.invocation.encode("ascii", "replace")))
        return Reply(reply.status, (*reply.headers, *told), reply.body)

    def _preferred(self, exchange: Exchange) -> tuple[bool, float]:
        query = exchange.scope["query_string"]
        if not query and "prefer" not in exchange.headers:
            return False, self._deadline
        asynchronous, wait = _preferences(query, exchange.headers.get("prefer", ""))
        return asynchronous, self._deadline if wait is None else min(self._deadline, wait)


@lru_cache(maxsize=256)
def _preferences(query: bytes, prefer: str) -> tuple[bool, float | None]:
    """RFC 7240: ``Prefer: respond-async``, ``Prefer: wait=5``; ``?async=1`` is the former. Raises
    ``Refusal``."""
    preferences = [each.strip().lower() for each in prefer.split(",")]
    asked = parse_qs(query.decode("latin-1")).get("async", ["0"])[-1]
    if asked not in ("0", "1"):
        raise Refusal(400, f"async={asked} is neither 0 nor 1")
    waits = [int(found[1]) for each in preferences if (found := _WAIT.fullmatch(each))]
    return asked == "1" or "respond-async" in preferences, min(filter(None, waits), default=None)


def result_reply(value: Any, function: str) -> Reply:
    """Raises ``ResultNotJson``."""
    if isinstance(value, bytes | bytearray | memoryview):
        return Reply(200, (_BYTES,), bytes(value))
    return Reply(200, (JSON,), as_json(value, function).encode())


def as_json(value: Any, function: str) -> str:
    """Raises ``ResultNotJson``."""
    try:
        text = _encode(value)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ResultNotJson(function, "an HTTP response", str(error)) from None
    return text


def made_by(caller: Token, invocation_id: str) -> bool:
    """Whether the caller may ask for it: an admin for any, others for what their requests made. No
    function's name has an ``@``."""
    return caller.role is Role.ADMIN or (
        caller.mark != "" and invocation_id.startswith(caller.mark)
    )


def _event(served: ServedFunction, headers: Mapping[str, str], body: bytes, mark: str) -> Event:
    """The event whose data is the body; ``mark``: what its id begins with. Raises ``Refusal``."""
    key = headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise Refusal(400, "Idempotency-Key has to be 1 to 200 printable ASCII characters")
    media = media_type(headers.get("content-type", "application/json"))
    if media == _FORM:  # what curl says when it is told nothing
        raise Refusal(415, "forms are not understood; send Content-Type: application/json")
    data: Any = None
    # Others may use the same key for another function.
    named = None if key is None else f"{mark}{served.name}.{key}"
    try:
        if body and is_json(media):
            data = read_json(body)
        elif body:
            data = body
        return Event(
            EVENT_TYPE,
            data,
            source=f"nbfaas/functions/{served.name}",
            id=f"{mark}{new_id()}" if mark and named is None else named,
            datacontenttype=media if isinstance(data, bytes) else None,
            extensions=trace(headers),
        )
    except ValueError as error:  # BadEvent is one
        kind = f"{type(error).__name__}: " if isinstance(error, BadEvent) else ""
        raise Refusal(400, f"the body is no valid {media}: {kind}{error}") from None
