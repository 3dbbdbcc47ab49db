"""What a server answers besides the gateway: functions, invocations, webhooks, administration."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from nbfaas.errors import NbfaasError
from nbfaas.errors.serve import NotServed
from nbfaas.gateway.exchange import Exchange
from nbfaas.gateway.guard import Guard
from nbfaas.gateway.reply import Reply, StreamReply, json_reply, not_allowed, problem
from nbfaas.gateway.roles import ANY_ROLE, Role
from nbfaas.server.calling import made_by
from nbfaas.server.openapi import openapi
from nbfaas.server.openapi_data import parameters_of

if TYPE_CHECKING:
    from nbfaas.catalog import Alias
    from nbfaas.gateway.routes import RouteTable
    from nbfaas.model.manifest import FunctionManifest
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
            if not calls:
                # What is not served is told to admins only, whose notebooks may call it.
                everything = caller.role is Role.ADMIN
                return json_reply(200, await self._described(reference, everything))
            served = self._functions.ready(reference) or await self._functions.get(reference)
        except NotServed as error:
            return problem(404, str(error), error="NotServed")
        except NbfaasError as error:  # such as an image that is gone
            return problem(409, str(error), error=type(error).__name__)
        return await self._calls.call(served, exchange, caller)

    async def _described(self, reference: str, everything: bool) -> dict[str, object]:
        """Reading loads nothing: what is not loaded is told as the catalog has it."""
        served = self._functions.ready(reference)
        if served is not None:
            told, manifest = _told(served), served.routing.first.manifest
        else:
            alias, manifest = await self._functions.known(reference, everything=everything)
            told = _summary(reference, alias, manifest, "deployed")
        return {**told, "data_schema": manifest.data_schema}

    async def _invocation(self, invocation_id: str, exchange: Exchange) -> Reply:
        if exchange.method not in _GET:
            return not_allowed(_GET)
        found = await self._outcomes.of(invocation_id)
        if found is None:
            return problem(404, f"there is no invocation {invocation_id!r}")
        return json_reply(200, found)


def _told(served: ServedFunction) -> dict[str, object]:
    state = "removed" if served.removed else "served"
    routing = served.routing
    return _summary(served.name, routing.alias, routing.first.manifest, state)


def _summary(name: str, alias: Alias, manifest: FunctionManifest, state: str) -> dict[str, object]:
    return {
        "name": name,
        "reference": f"{alias.function}:{alias.alias}",
        "version": f"v{alias.version}",
        "state": state,
        "canary": None
        if alias.other is None
        else {"version": f"v{alias.other}", "weight": alias.weight},
        "content_hash": manifest.content_hash,
        "entry": str(manifest.entry),
        "parameters": parameters_of(manifest),
        "triggers": [each.name for each in manifest.triggers],
    }
