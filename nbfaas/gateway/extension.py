"""Routes besides the gateway's own and those of triggers."""

from __future__ import annotations

from typing import Protocol

from nbfaas.gateway.exchange import Exchange
from nbfaas.gateway.guard import Guard
from nbfaas.gateway.reply import Reply, StreamReply


class Extension(Protocol):
    """What else a gateway answers; called on its loop."""

    async def answer(self, exchange: Exchange, guard: Guard) -> Reply | StreamReply | None:
        """The reply, if the request is its own; None if not. Asks ``guard`` for the token itself.
        May raise ``Refusal``, ``ClientGone`` and ``NbfaasError``."""
        ...
