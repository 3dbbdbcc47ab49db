"""The ASGI application: from requests to the port, and back."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from nbfaas.agent.event import BadEvent, Event
from nbfaas.errors.base import NbfaasError
from nbfaas.gateway.cloud_events import read_events
from nbfaas.gateway.exchange import ClientGone, Exchange, Receive, Scope, Send
from nbfaas.gateway.extension import Extension
from nbfaas.gateway.guard import Guard
from nbfaas.gateway.limits import Limits
from nbfaas.gateway.port import EventReceipt, GatewayPort
from nbfaas.gateway.problems import problem_of
from nbfaas.gateway.receipts import batch_reply, receipt_of
from nbfaas.gateway.reply import (
    Refusal,
    Reply,
    StreamReply,
    json_reply,
    not_allowed,
    problem,
    retry_after,
)
from nbfaas.gateway.request import HttpRequest, joined_headers, request_event
from nbfaas.gateway.response import response_of
from nbfaas.gateway.roles import ANY_ROLE, Role
from nbfaas.gateway.routes import MethodNotAllowed, RouteMatch, RouteTable

LOGGER = logging.getLogger("nbfaas.gateway")

_INVOCATIONS = "/invocations/"
_CLOSE = (b"connection", b"close")
_CLOSING = "the server is closing"
_OWN_SOURCES = ("nbfaas/functions/", "nbfaas/http/", "nbfaas/webhooks/")
_TO_THE_END = frozenset({"/healthz", "/readyz", "/metrics"})


class GatewayApp:
    """What is checked, in this order: host, token, path and method, size, contents, and whether
    there is room. Only then is anything accepted."""

    def __init__(
        self,
        port: GatewayPort,
        routes: RouteTable,
        guard: Guard,
        limits: Limits,
        extension: Extension | None = None,
    ) -> None:
        self._port = port
        self._extension = extension
        self._routes = routes
        self._guard = guard
        self._limits = limits
        self._own: dict[
            str, tuple[str, tuple[Role, ...], Callable[[Exchange], Awaitable[Reply]]]
        ] = {
            "/events": ("POST", (Role.INVOKE,), self._events),
            "/healthz": ("GET", ANY_ROLE, self._healthz),
            "/readyz": ("GET", ANY_ROLE, self._readyz),
            "/metrics": ("GET", (Role.READ,), self._metrics),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = scope["state"]["connection"]
        request = asyncio.current_task()
        assert request is not None
        connection.began(scope, request)
        exchange = Exchange(scope, receive, self._limits.body)
        reply: Reply | StreamReply
        try:
            reply = await self._answer(exchange)
        except ClientGone:
            return
        except asyncio.CancelledError:
            if request.cancelling() == 0:  # not this request, but what it waited for
                reply = problem(500, "the invocation was cancelled", error="CancelledError")
            elif exchange.gone or connection.gone:
                return
            else:
                reply = problem(503, _CLOSING, headers=(retry_after(1), _CLOSE))
        finally:
            connection.ended()
        if isinstance(reply, StreamReply):
            connection.streams(scope, request)
            await _stream(reply, send)
            return
        headers = [*reply.headers, (b"content-length", b"%d" % len(reply.body))]
        if reply.status in (204, 304):
            headers.pop()
        if exchange.unread or connection.closing:
            headers.append(_CLOSE)
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _answer(self, exchange: Exchange) -> Reply | StreamReply:
        try:
            exchange.headers = joined_headers(exchange.scope["headers"])
            self._guard.check_host(exchange.headers)
            return await self._dispatch(exchange)
        except Refusal as refusal:
            return refusal.reply
        except NbfaasError as error:
            return problem_of(error)
        except ClientGone:
            raise
        except Exception:
            LOGGER.exception("%s %s failed", exchange.method, exchange.path)
            return problem(500, "an error inside the gateway; its log says more")

    async def _dispatch(self, exchange: Exchange) -> Reply | StreamReply:
        path, method = exchange.path, exchange.method
        if path not in _TO_THE_END and exchange.scope["state"]["connection"].closing:
            raise Refusal(503, _CLOSING, (retry_after(1),))
        own = self._own.get(path)
        if own is not None:
            wanted, roles, serve = own
            if path != "/healthz":
                exchange.caller = self._guard.check_token(exchange.headers, *roles)
            if method == wanted or (method == "HEAD" and wanted == "GET"):
                return await serve(exchange)
            return not_allowed(("GET", "HEAD") if wanted == "GET" else (wanted,))
        if self._extension is not None:
            reply = await self._extension.answer(exchange, self._guard)
            if reply is not None:
                return reply
        found = self._routes.match(method, path)
        if isinstance(found, RouteMatch) and not found.route.auth:
            self._guard.check_origin(exchange.headers)
            mark = self._guard.mark_of(exchange.headers)
        else:
            # Only calls of functions are asked for by those who made them; see the server's API.
            asked = path.startswith(_INVOCATIONS) and found is None
            calls = (Role.INVOKE,) if isinstance(found, RouteMatch) else ANY_ROLE
            mark = self._guard.check_token(exchange.headers, *(() if asked else calls)).mark
        if isinstance(found, RouteMatch):
            return await self._trigger(found, exchange, mark)
        if isinstance(found, MethodNotAllowed):
            return not_allowed(found.allowed)
        if path.startswith(_INVOCATIONS):
            return await self._invocation(path.removeprefix(_INVOCATIONS), method)
        return problem(404, f"there is nothing at {path}")

    # -- triggers

    async def _trigger(self, found: RouteMatch, exchange: Exchange, mark: str) -> Reply:
        route = found.route
        if not found.active:
            detail = f"the trigger {route.trigger!r} is paused"
            return problem(503, detail, headers=(retry_after(10),))
        body = await exchange.body()
        request = HttpRequest(
            exchange.method, exchange.path, exchange.scope["query_string"], exchange.headers, body
        )
        event = request_event(route.trigger, request, found.parameters, self._guard.tokens, mark)
        if route.respond == "async":
            return await self._enqueue(route.trigger, event)
        return await self._call(route.trigger, event, route.deadline)

    async def _enqueue(self, trigger: str, event: Event) -> Reply:
        number = await self._port.enqueue(trigger, event)
        url = _INVOCATIONS + quote(number, safe="")
        location = (b"location", url.encode())
        return json_reply(202, {"id": number, "status_url": url}, (location,))

    async def _call(self, trigger: str, event: Event, deadline: float) -> Reply:
        try:
            result = await self._port.call(trigger, event, deadline)
            reply = response_of(result.value, trigger)
        except Exception as error:  # noqa: BLE001 - whatever the function raised
            return problem_of(error)
        if result.invocation is None:
            return reply
        named = (b"nbfaas-invocation-id", result.invocation.encode("ascii", "replace"))
        return Reply(reply.status, (*reply.headers, named), reply.body)

    # -- events

    async def _events(self, exchange: Exchange) -> Reply:
        body = await exchange.body()
        try:
            events, batched = read_events(exchange.headers, body, self._limits.batch)
        except BadEvent as error:
            return problem(400, str(error), error="BadEvent")
        if exchange.caller.role is not Role.ADMIN:
            _check_sources(events)
        if not batched:
            return json_reply(202, receipt_of(await self._port.accept(events[0])))
        return batch_reply(events, await self._accept_all(events))

    async def _accept_all(self, events: list[Event]) -> list[EventReceipt | BaseException]:
        """All at once, so that they share a transaction; each has an outcome of its own."""
        accepting = [asyncio.ensure_future(self._port.accept(event)) for event in events]
        try:
            return await asyncio.gather(*accepting, return_exceptions=True)
        except asyncio.CancelledError:
            await asyncio.wait(accepting)  # gather has cancelled them; nothing is left behind
            raise

    # -- the gateway itself

    async def _invocation(self, number: str, method: str) -> Reply:
        if method not in ("GET", "HEAD"):
            return not_allowed(("GET", "HEAD"))
        found = await self._port.invocation(number)
        if found is None:
            return problem(404, f"there is no invocation {number!r}")
        return json_reply(200, found)

    async def _healthz(self, exchange: Exchange) -> Reply:
        return json_reply(200, {"status": "ok"})

    async def _readyz(self, exchange: Exchange) -> Reply:
        closing = exchange.scope["state"]["connection"].closing
        reason = _CLOSING if closing else self._port.not_ready()
        if reason is not None:
            return problem(503, reason, headers=(retry_after(1),))
        return json_reply(200, {"status": "ready"})

    async def _metrics(self, exchange: Exchange) -> Reply:
        body, media = await self._port.metrics(exchange.headers.get("accept", ""))
        return Reply(200, ((b"content-type", media.encode("latin-1")),), body)


def _check_sources(events: list[Event]) -> None:
    """Raise ``Refusal`` if one says it is a call, a request or a webhook: with its source and id it
    could be taken for somebody else's."""
    for event in events:
        if event.source.startswith(_OWN_SOURCES):
            detail = f"the source {event.source!r} is the server's own; this needs a token with the"
            raise Refusal(403, f"{detail} role admin")


async def _stream(reply: StreamReply, send: Send) -> None:
    headers = list(reply.headers)
    try:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async with contextlib.aclosing(reply.chunks) as chunks:
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except asyncio.CancelledError:
        return  # the client went away, or the gateway closes
