"""``/sessions/ID/…``: what notebooks ask of the server's sandboxes, journal, catalog and state, in
msgpack."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

import msgspec

from nbfaas.agent.state import REFUSALS, StateError
from nbfaas.errors import NbfaasError
from nbfaas.gateway.exchange import Exchange
from nbfaas.gateway.reply import Refusal, Reply, not_allowed, problem
from nbfaas.model.failures import tell
from nbfaas.model.invocation import InvocationState
from nbfaas.remote.deploy import open_catalog
from nbfaas.remote.deployments import difference, function_rows, move_rows, version_rows
from nbfaas.remote.here import StateHere

if TYPE_CHECKING:
    from nbfaas.catalog import Version
    from nbfaas.journal import Journal
    from nbfaas.service import Service

Query = dict[str, str]
_MSGPACK = (b"content-type", b"application/msgpack")
_MOST = 100_000  # rows of an answer
_state_given = msgspec.msgpack.Decoder(tuple[str, dict[str, Any], list[bytes]]).decode


class SessionQuestions:
    """Answers may block, so each is found by a thread."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._there: dict[str, Callable[[Query], Any]] = {
            "sandboxes": lambda query: service.sandboxes(),
            "pool": lambda query: service.pool(),
            "journal": self._about_journal,
            "journal/find": lambda query: self._journal.find(query.get("id", "")),
            "journal/latest": self._latest,
            "journal/attempts": lambda query: self._journal.attempts(query.get("id", "")),
            "journal/log": lambda query: self._journal.log(query.get("id", "")),
            "journal/counts": lambda query: self._journal.counts(),
            "catalog/functions": lambda query: function_rows(open_catalog()),
            "catalog/versions": lambda query: version_rows(open_catalog(), query["name"]),
            "catalog/moves": lambda query: move_rows(open_catalog().moves(query["name"])),
            "catalog/source": lambda query: _version(query, "version").manifest.source,
            "catalog/difference": lambda query: difference(
                _version(query, "first"), _version(query, "second")
            ),
        }

    def __repr__(self) -> str:
        return "<SessionQuestions>"

    async def answer(self, path: str, exchange: Exchange) -> Reply:
        if path == "state":
            return await self._state(exchange)
        found = self._there.get(path)
        if found is None:
            return problem(404, f"there is nothing at {exchange.path}")
        if exchange.method != "GET":
            return not_allowed(("GET",))
        try:
            told = await asyncio.to_thread(found, _query(exchange))
        except NbfaasError as error:
            given = tell(error)
            return problem(409, given.message, error=given.type, attributes=given.attributes)
        except KeyError as error:
            raise Refusal(400, f"the question lacks {error}") from None
        return Reply(200, (_MSGPACK,), msgspec.msgpack.encode(told))

    async def _state(self, exchange: Exchange) -> Reply:
        if exchange.method != "POST":
            return not_allowed(("POST",))
        try:
            function, request, values = _state_given(await exchange.body())
        except msgspec.MsgspecError as error:
            raise Refusal(400, f"this asks nothing of state: {error}") from None
        try:
            told = await asyncio.to_thread(StateHere(function).ask, request, values)
        except StateError as error:
            words = (word for word, kind in REFUSALS.items() if isinstance(error, kind))
            word = next(words, "unavailable")
            told = {"refused": word, "reason": str(error)}, ()
        return Reply(200, (_MSGPACK,), msgspec.msgpack.encode(told))

    @property
    def _journal(self) -> Journal:
        journal = self._service.journal
        if journal is None:
            raise Refusal(404, "the server has no journal")
        return journal

    def _about_journal(self, query: Query) -> dict[str, Any] | None:
        """None if there is none; else what was published so far is in it from now on."""
        journal = self._service.journal
        if journal is None:
            return None
        notice = None if journal.notice is None else str(journal.notice)
        return {"path": str(journal.path), "written": journal.flush(), "notice": notice}

    def _latest(self, query: Query) -> Any:
        limit = query.get("limit", "100")
        if not (limit.isascii() and limit.isdigit()) or int(limit) > _MOST:
            raise Refusal(400, f"limit is a number up to {_MOST}")
        state = query.get("state")
        return self._journal.latest(
            int(limit),
            state=None if state is None else InvocationState(state),
            function=query.get("function"),
            run_id=query.get("run_id"),
        )


def _version(query: Query, name: str) -> Version:
    return open_catalog().version(query["name"], query[name])


def _query(exchange: Exchange) -> Query:
    found = parse_qs(exchange.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return {unquote(name): values[-1] for name, values in found.items()}
