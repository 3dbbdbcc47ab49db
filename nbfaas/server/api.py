"""What a server answers besides the gateway: functions, invocations, webhooks, administration."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from nbfaas.errors.serve import NotServed
from nbfaas.gateway.exchange import Exchange
from nbfaas.gateway.guard import Guard
from nbfaas.gateway.reply import Reply, StreamReply, json_reply, not_allowed, problem
from nbfaas.gateway.roles import ANY_ROLE, Role
from nbfaas.server.calling import made_by
from nbfaas.server.openapi import openapi
from nbfaas.server.openapi_data import parameters_of

if TYPE_CHECKING:
    from nbfaas.gateway.routes import RouteTable
    from nbfaas.server.admin import Admin
    from nbfaas.server.calling import Calls
    from nbfaas.server.functions import ServedFunctions
    from nbfaas.server.hooks import Hooks
    from nbfaas.server.outcomes import Outcomes
    from nbfaas.server.routing import ServedFunction
    from nbfaas.server.sessions import Sessions

_GET = ("GET", "HEAD")


class Api:
    """An ``Extension`` of the gateway."""

    def __init__(
        self,
        functions: ServedFunctions,
        calls: Calls,
        outcomes: Outcomes,
        hooks: Hooks,
        admin: Admin,
        sessions: Sessions,
        routes: RouteTable,
    ) -> None:
        self._functions = functions
        self._calls = calls
        self._outcomes = outcomes
        self._hooks = hooks
        self._admin = admin
        self._sessions = sessions
        self._routes = routes

    def __repr__(self) -> str:
        return f"<Api of {self._functions!r}>"

    async def answer(self, exchange: Exchange, guard: Guard) -> Reply | StreamReply | None:
        path = exchange.path
        if path.startswith("/functions/"):
            return await self._function(path.removeprefix("/functions/"), exchange, guard)
        if path.startswith("/invocations/"):
            invocation_id = unquote(path.removeprefix("/invocations/"))
            caller = guard.check_token(exchange.headers, Role.INVOKE)
            if not made_by(caller, invocation_id):
                detail = "a token with the role invoke may ask for kept calls of its own only"
                return problem(403, f"{detail}; another needs the role admin")
            return await self._invocation(invocation_id, exchange)
        if path in ("/functions", "/openapi.json"):
            guard.check_token(exchange.headers, *ANY_ROLE)
            if exchange.method not in _GET:
                return not_allowed(_GET)
            if path == "/functions":
                return json_reply(200, {"functions": [_told(each) for each in self._functions]})
            return json_reply(200, openapi(list(self._functions), list(self._routes)))
        if path.startswith("/admin/"):
            path = path.removeprefix("/admin/")
            guard.check_token(exchange.headers, *self._admin.roles(path))
            return await self._admin.answer(path, exchange)
        if path == "/sessions" or path.startswith("/sessions/"):
            guard.check_token(exchange.headers)
            return await self._sessions.answer(path[len("/sessions/") :], exchange)
        return await self._hooks.answer(exchange)

    async def _function(self, reference: str, exchange: Exchange, guard: Guard) -> Reply:
        calls = exchange.method == "POST"
        caller = guard.check_token(exchange.headers, *((Role.INVOKE,) if calls else ANY_ROLE))
        if exchange.method not in (*_GET, "POST"):
            return not_allowed((*_GET, "POST"))
        try:
            served = self._functions.ready(reference) or await self._functions.get(reference)
        except NotServed as error:
            return problem(404, str(error), error="NotServed")
        if calls:
            return await self._calls.call(served, exchange, caller)
        schema = served.routing.first.manifest.data_schema
        return json_reply(200, {**_told(served), "data_schema": schema})

    async def _invocation(self, invocation_id: str, exchange: Exchange) -> Reply:
        if exchange.method not in _GET:
            return not_allowed(_GET)
        found = await self._outcomes.of(invocation_id)
        if found is None:
            return problem(404, f"there is no invocation {invocation_id!r}")
        return json_reply(200, found)


def _told(served: ServedFunction) -> dict[str, object]:
    alias = served.routing.alias
    manifest = served.routing.first.manifest
    return {
        "name": served.name,
        "reference": f"{served.function}:{served.reference}",
        "version": f"v{alias.version}",
        "state": "removed" if served.removed else "served",
        "canary": None
        if alias.other is None
        else {"version": f"v{alias.other}", "weight": alias.weight},
        "content_hash": manifest.content_hash,
        "entry": str(manifest.entry),
        "parameters": parameters_of(manifest),
        "triggers": [each.name for each in manifest.triggers],
    }
