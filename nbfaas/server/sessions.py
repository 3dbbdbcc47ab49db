"""``/sessions…``: notebooks that work on this server, each in a session of its own."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec

from nbfaas.gateway.exchange import Exchange
from nbfaas.gateway.reply import Refusal, Reply, StreamReply, json_reply, not_allowed, problem
from nbfaas.model.function import FunctionVersion
from nbfaas.model.session import BEAT, Notice, commands_of
from nbfaas.server.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbfaas.server.functions import ServedFunctions
    from nbfaas.server.session_catalog import SessionCatalog
    from nbfaas.server.session_events import SessionEvents
    from nbfaas.server.session_questions import SessionQuestions
    from nbfaas.service import Service

_MOST = 100  # sessions at once
_LOOK_EVERY = 1.0  # seconds between looks for those that are gone
_STREAM = (
    (b"content-type", b"application/octet-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # proxies are to hand it on as it comes
)
# Words of a notebook that may be missing until its connection counts as none: not few, as it may be
# in code that lets no other thread run.
_LEAST_MISSED, _MOST_MISSED = 3, 12
_REMEMBERED = 1000  # sessions that have ended


class Sessions:
    """On the service's loop. ``expiry``: seconds without a connection after which a session ends; a
    connection that brings no word for twice as long, within bounds, counts as none. ``limit``:
    bytes of a request, of one result, and of what waits for a client that takes none of it."""

    def __init__(
        self,
        service: Service,
        functions: ServedFunctions,
        events: SessionEvents,
        questions: SessionQuestions,
        catalog: SessionCatalog,
        notify: Callable[[str], None],
        *,
        expiry: float,
        limit: int,
    ) -> None:
        self._service = service
        self._functions = functions
        self._events = events
        self._questions = questions
        self._catalog = catalog
        self._notify = notify
        self._expiry = expiry
        self._silence = min(max(2 * expiry, _LEAST_MISSED * BEAT), _MOST_MISSED * BEAT)
        self._limit = limit
        self._there: dict[str, Session] = {}
        self._ended: dict[str, str] = {}  # why
        self._heard: dict[str, float] = {}  # the loop's clock
        self._asking: Counter[str] = Counter()  # requests that come in or are answered
        self._streamed: dict[str, float] = {}
        self._looking: asyncio.Task[None] | None = None
        self._closing: str | None = None
        service.builds_shown.append(self._tell_of_build)

    def __repr__(self) -> str:
        return f"<Sessions {', '.join(self._there) or 'none'}>"

    async def answer(self, path: str, exchange: Exchange) -> Reply | StreamReply:
        """``path``: what follows /sessions/, or nothing."""
        if not path:
            return self._open() if exchange.method == "POST" else not_allowed(("POST",))
        session_id, _, rest = path.partition("/")
        session = self._there.get(session_id)
        if session is None:
            why = self._ended.get(session_id, "the server does not know it")
            return problem(410, f"the session {session_id} is over: {why}", error="SessionEnded")
        self._asking[session_id] += 1
        try:
            return await self._answer(session, rest, exchange)
        finally:
            if session_id in self._heard:  # else it has ended
                self._asking[session_id] -= 1
                self._heard[session_id] = asyncio.get_running_loop().time()

    async def _answer(self, session: Session, rest: str, exchange: Exchange) -> Reply | StreamReply:
        if not rest:
            if exchange.method != "DELETE":
                return not_allowed(("DELETE",))
            await self.end(session, "its notebook has disconnected")
            return Reply(204)
        if rest == "commands":
            return await self._commands(session, exchange)
        if rest == "stream":
            return self._stream(session, exchange)
        if rest.startswith("events/"):
            return await self._events.answer(session, rest.removeprefix("events/"), exchange)
        return await self._questions.answer(rest, exchange)

    def _open(self) -> Reply:
        if self._closing is not None:
            return problem(503, f"no session is begun any more: {self._closing}")
        if len(self._there) >= _MOST:
            return problem(503, f"there are {_MOST} sessions, and no more may be")
        session_id = secrets.token_hex(4)
        session = Session(
            session_id, self._service, self._functions, self._catalog, self._limit, self._let_go
        )
        now = asyncio.get_running_loop().time()
        self._there[session_id] = session
        self._heard[session_id] = self._streamed[session_id] = now
        if self._looking is None:
            self._looking = asyncio.create_task(self._look(), name="nbfaas-sessions")
        backend = self._service.backend
        told = {
            "id": session_id,
            "python": list(sys.version_info[:2]),
            "backend": {"name": backend.name, "isolates": backend.isolates},
            "limit": self._limit,
        }
        return json_reply(201, told)

    async def _commands(self, session: Session, exchange: Exchange) -> Reply:
        if exchange.method != "POST":
            return not_allowed(("POST",))
        number, received = _number(exchange, "number"), _number(exchange, "received")
        body = await exchange.body(self._limit)
        try:
            commands = commands_of(body) if body else []
        except msgspec.MsgspecError as error:
            raise Refusal(400, f"these are no commands: {error}") from None
        session.outbox.acknowledge(received)
        if commands:
            # Though the client may go away meanwhile: half a batch is never obeyed.
            await asyncio.shield(asyncio.ensure_future(session.obey(number, commands)))
        return Reply(204)

    def _stream(self, session: Session, exchange: Exchange) -> Reply | StreamReply:
        if exchange.method != "GET":
            return not_allowed(("GET",))
        return StreamReply(session.outbox.stream(_number(exchange, "after")), _STREAM)

    def _tell_of_build(self, line: str) -> None:
        """From any thread. Whose function it is for, nobody knows: several may wait for it."""

        def tell() -> None:
            for session in self._there.values():
                session.outbox.put(Notice(line), needed=False)

        if self._closing is None:
            self._service.call_later(0.0, tell)

    # -- ends

    async def end(self, session: Session, reason: str) -> None:
        if self._there.pop(session.id, None) is None:
            return
        self._ended[session.id] = reason
        while len(self._ended) > _REMEMBERED:
            del self._ended[next(iter(self._ended))]
        del self._heard[session.id], self._streamed[session.id], self._asking[session.id]
        await session.end(reason)

    async def close(self, reason: str) -> None:
        """End all; no other is begun."""
        self._closing = reason
        for session in list(self._there.values()):
            await self.end(session, reason)
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        self._catalog.close()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            now = asyncio.get_running_loop().time()
            for session in list(self._there.values()):
                if session.id not in self._there:
                    continue  # ended while another one was
                if self._asking[session.id]:
                    self._heard[session.id] = now
                if session.outbox.streaming and now - self._heard[session.id] > self._silence:
                    session.outbox.hang_up()
                elif session.outbox.streaming:
                    self._streamed[session.id] = now
                if why := self._why_over(session, now):
                    self._notify(f"the session {session.id} of a notebook ends: {why}")
                    await self.end(session, why)

    def _why_over(self, session: Session, now: float) -> str | None:
        if session.outbox.overflows(self._expiry):
            return f"its notebook takes none of more than {self._limit:,} bytes that wait for it"
        if now - self._streamed[session.id] > self._expiry:
            silent = max(now - self._heard[session.id], self._expiry)
            return f"nothing was heard of its notebook for {silent:.0f} s"
        return None

    def _let_go(self, version: FunctionVersion) -> None:
        """A session has no more use for it; another may, and so may what is served."""
        used = {each.digest for session in self._there.values() for each in session.versions}
        if version.digest not in used:
            self._service.dispatcher.supersede(version.digest)


def _number(exchange: Exchange, name: str) -> int:
    query = parse_qs(exchange.scope["query_string"].decode("latin-1"))
    text = query.get(name, ["0"])[-1]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refusal(400, f"{name} is a number")
    return int(text)
