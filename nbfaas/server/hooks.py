"""Paths that take signed requests: each request is an event for one function, once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbfaas.agent.event import Event
from nbfaas.errors.serve import BadWebhook, NotServed, ServerConfigError
from nbfaas.gateway.exchange import Exchange
from nbfaas.gateway.reply import Refusal, Reply, json_reply, not_allowed, problem
from nbfaas.gateway.request import is_json, media_type, read_json
from nbfaas.server.config import ServerConfig, environment
from nbfaas.server.functions import ServedFunctions
from nbfaas.server.webhooks import secret_keys, verify

if TYPE_CHECKING:
    from nbfaas.triggers.engine import EventEngine

EVENT_TYPE = "nbfaas.webhook"


@dataclass(frozen=True, slots=True)
class Hook:
    path: str
    function: str
    keys: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"<Hook {self.path} → {self.function}>"


def hooks_of(config: ServerConfig, file: str) -> dict[str, Hook]:
    """By path. Raises ``ServerConfigError``."""
    found: dict[str, Hook] = {}
    for number, each in enumerate(config.webhooks):
        place = f"webhooks[{number}]"
        if each.path in found:
            raise ServerConfigError(file, f"{place}.path", f"{each.path} is there twice")
        text = environment(file, f"{place}.secret_env", each.secret_env)
        try:
            keys = secret_keys(text)
        except ValueError as error:
            problem = f"the variable {each.secret_env!r} has no usable secret: {error}"
            raise ServerConfigError(file, f"{place}.secret_env", problem) from None
        found[each.path] = Hook(each.path, each.function, keys)
    return found


class Hooks:
    def __init__(
        self,
        hooks: dict[str, Hook],
        functions: ServedFunctions,
        engine: EventEngine,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hooks = hooks
        self._functions = functions
        self._engine = engine
        self._clock = clock

    def __repr__(self) -> str:
        return f"<Hooks {', '.join(self._hooks) or 'none'}>"

    async def answer(self, exchange: Exchange) -> Reply | None:
        """None if there is no webhook at this path. A signature is all that is asked for."""
        hook = self._hooks.get(exchange.path)
        if hook is None:
            return None
        if exchange.method != "POST":
            return not_allowed(("POST",))
        body = await exchange.body()
        try:
            message_id = verify(hook.keys, exchange.headers, body, self._clock())
        except BadWebhook as error:
            return problem(401, str(error), error="BadWebhook")
        try:
            served = await self._functions.get(hook.function)
        except NotServed as error:  # it was, at the start
            return problem(503, str(error), error="NotServed")
        event = Event(
            EVENT_TYPE,
            _data(exchange, body),
            source=f"nbfaas/webhooks{hook.path}",
            id=message_id,
            subject=hook.path,
        )
        (receipt,) = await self._engine.accept([event], to=[served.trigger])
        return json_reply(202, {"id": receipt.id, "duplicate": receipt.duplicate})


def _data(exchange: Exchange, body: bytes) -> Any:
    media = media_type(exchange.headers.get("content-type", "application/json"))
    if not is_json(media):
        return body
    try:
        return read_json(body)
    except ValueError as error:
        raise Refusal(400, f"the body is no valid {media}: {error}") from None
