"""Connections that hang on both sides' sockets while nobody is at the other end any more, and such
whose other end is only busy."""

from __future__ import annotations

import asyncio
import ctypes
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from cutting import Way
from function_images import PREFIX
from waiting import until

import nbfaas
from nbfaas import remote
from nbfaas.client.asking import ServerClient
from nbfaas.client.service import ServerService
from nbfaas.errors import ServerGone
from nbfaas.gateway import Gateway
from nbfaas.server.sessions import Sessions
from nbfaas.service import get_service

BEAT = 0.25  # seconds
NAME = f"{PREFIX}half"
in_processes = pytest.mark.parametrize("service", ["process"], indirect=True)


class Only:
    """The sessions' part of a server's API."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def answer(self, exchange: Any, guard: Any) -> Any:
        return await self._sessions.answer(exchange.path.removeprefix("/sessions")[1:], exchange)


@pytest.fixture
def quick(monkeypatch):
    """Both sides speak more often than they do, and so hear sooner that nothing comes."""
    for place in ("server.sessions", "server.outbox", "client.link"):
        monkeypatch.setattr(f"nbfaas.{place}.BEAT", BEAT)
    monkeypatch.setattr("nbfaas.server.sessions._LOOK_EVERY", 0.1)


@contextmanager
def sessions_of(service, expiry: float) -> Iterator[tuple[Sessions, str, list[str]]]:
    """A server of sessions only, its address, and what its operator is told."""
    nothing: Any = None
    told: list[str] = []
    catalog: Any = SimpleNamespace(give_up=lambda session: None, close=lambda: None)
    sessions = Sessions(
        service, nothing, nothing, nothing, catalog, told.append, expiry=expiry, limit=1 << 20
    )
    gateway = Gateway(nothing, token=None, extension=Only(sessions))
    try:
        yield sessions, service.run(gateway.start()), told
    finally:
        service.run(sessions.close("over"))
        service.run(gateway.close())


@in_processes
def test_a_notebook_that_vanished_counts_as_disconnected_and_its_session_ends(service, quick):
    with sessions_of(service, expiry=1.0) as (sessions, url, told):
        way = Way(urlsplit(url).port)
        notebook = ServerService(ServerClient(way.url), notify=lambda line: None)
        try:
            (session,) = sessions._there.values()
            until(lambda: session.outbox.streaming)
            way.hold()
            until(lambda: not session.outbox.streaming, 20)
            until(lambda: told, 20)
            assert f"the session {session.id} of a notebook ends: nothing was heard" in told[0]
            assert not sessions._there
        finally:
            way.close()
            notebook.close()


@in_processes
def test_a_notebook_whose_connection_hangs_for_a_while_takes_it_up_again(service, quick):
    with sessions_of(service, expiry=60.0) as (sessions, url, told):
        way = Way(urlsplit(url).port)
        notebook = ServerService(ServerClient(way.url), notify=lambda line: None)
        try:
            (session,) = sessions._there.values()
            until(lambda: session.outbox.streaming)
            way.hold()
            until(lambda: not session.outbox.streaming, 20)  # though it may be away for a minute
            way.release()
            until(lambda: session.outbox.streaming, 20)
            assert notebook.gone is None
            assert told == []
        finally:
            way.close()
            notebook.close()


@in_processes
def test_a_notebook_that_sends_something_for_long_is_there(service, quick):
    with sessions_of(service, expiry=1.0) as (sessions, url, told):
        silence = sessions._silence

        async def slowly() -> AsyncIterator[bytes]:
            yield b"\x90"  # no commands
            await asyncio.sleep(silence + 2.0)

        async def scenario() -> None:
            async with httpx.AsyncClient(base_url=url, timeout=60) as http:
                path = f"/sessions/{(await http.post('/sessions')).json()['id']}"
                async with http.stream("GET", f"{path}/stream") as stream:
                    assert stream.is_success
                    sent = await http.post(f"{path}/commands", content=slowly())
                    assert sent.status_code == 204
                    (session,) = sessions._there.values()
                    assert session.outbox.streaming

        asyncio.run(scenario())
        assert told == []


@pytest.fixture
def give_up_after(monkeypatch):
    """Has notebooks give up sooner; servers say something every 5 seconds."""

    def give_up_after(seconds: float) -> None:
        monkeypatch.setattr("nbfaas.client.link.SILENCE", 7.0)
        monkeypatch.setattr("nbfaas.client.link._GIVE_UP", seconds)
        monkeypatch.setattr("nbfaas.client.attended._TICK", 0.1)

    return give_up_after


@pytest.mark.docker
def test_a_server_that_vanished_is_noticed_and_named(serve, give_up_after):
    give_up_after(6.0)
    running = serve()
    way = Way(urlsplit(running.url).port)
    try:
        with nbfaas.connect(way.url, token=running.token):
            call = remote(lambda: time.sleep(60)).spawn()
            until(lambda: str(call.status) == "RUNNING")
            way.hold()
            with pytest.raises(ServerGone, match=rf"{way.url} is over: it has not answered for"):
                call.result(60)
            way.release()
    finally:
        way.close()


@pytest.mark.docker
def test_a_notebook_that_keeps_the_interpreter_to_itself_takes_nobody_for_gone(
    serve, give_up_after
):
    give_up_after(8.0)
    with nbfaas.connect((running := serve()).url, token=running.token):
        double = remote(lambda x: 2 * x)
        assert double.remote(1) == 2
        stream = get_service()._link._stream
        keeping = ctypes.PyDLL(None)  # its functions run under the interpreter's lock
        keeping.sleep(9)
        assert double.remote(2) == 4
        assert get_service()._link._stream is stream
