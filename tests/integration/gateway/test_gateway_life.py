"""Starting, closing, and clients that go away."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from raw_http import Raw, request
from running import until
from running_gateway import TOKEN, Place, running
from small_engine import SmallEngine

from nbfaas.errors.gateway import GatewayUnavailable
from nbfaas.gateway import Gateway


@asynccontextmanager
async def begun(place: Place) -> AsyncIterator[Raw]:
    """A connection whose request is being worked on."""
    async with await Raw.open(place.port) as raw:
        await raw.send(request("GET / HTTP/1.1"))
        await until(lambda: place.engine.called)
        yield raw


@asynccontextmanager
async def idle(place: Place) -> AsyncIterator[Raw]:
    """A connection that stays open, as its request was answered."""
    async with await Raw.open(place.port) as raw:
        await raw.send(request())
        assert (await raw.answer()).status == 200
        yield raw


@pytest.fixture
async def blocked(place: Place):
    """``/`` runs until it is let go."""
    release = asyncio.Event()

    async def wait(event):
        await release.wait()
        return "done"

    await place.on_http("GET", "/", wait)
    return release


async def test_when_a_client_goes_away_its_invocation_is_cancelled(place: Place, blocked):
    async with begun(place):
        assert place.engine.cancelled == []
    await until(lambda: place.engine.cancelled == ["fn"])


async def test_when_the_connection_is_reset_too(place: Place, blocked, caplog):
    async with begun(place) as raw:
        linger = bytes([1, 0, 0, 0, 0, 0, 0, 0])
        raw.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        raw.writer.transport.abort()
    await until(lambda: place.engine.cancelled == ["fn"])
    assert caplog.records == []


async def test_a_client_that_goes_away_amid_its_body_leaves_nothing(place: Place, caplog):
    async with await Raw.open(place.port) as raw:
        await raw.send(request("POST /events HTTP/1.1", "Content-Length: 1000") + b"x")
        await asyncio.sleep(0.05)
    async with await Raw.open(place.port) as raw:
        await raw.send(request())
        assert (await raw.answer()).status == 200
    assert place.engine.accepted == {}
    assert caplog.records == []


async def test_closing_lets_running_requests_end(place: Place, blocked):
    async with idle(place) as other, begun(place) as raw:
        closing = asyncio.create_task(place.gateway.close())
        await asyncio.sleep(0.05)
        with pytest.raises(OSError):
            await Raw.open(place.port)
        assert not closing.done()
        blocked.set()
        answer = await raw.answer()
        assert (answer.status, answer.body) == (200, b"done")
        assert answer.headers["connection"] == "close"
        await closing
        assert await other.is_closed()


@pytest.mark.parametrize(
    ("line", "status"),
    [("GET /readyz", 503), ("GET /healthz", 200), ("POST /events", 503), ("GET /", 503)],
)
async def test_while_it_closes_open_connections_are_told_so(place: Place, blocked, line, status):
    async with idle(place) as other, begun(place):
        closing = asyncio.create_task(place.gateway.close())
        await asyncio.sleep(0)
        await other.send(request(f"{line} HTTP/1.1"))
        answer = await other.answer()
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert await other.is_closed()
        assert not closing.done()
        blocked.set()
        await closing
        assert len(place.engine.called) == 1


async def test_it_closes_once_all_else_that_has_to_end_has_ended(place: Place):
    async with idle(place) as other:
        ending: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        closing = asyncio.create_task(place.gateway.close(20, ending))
        await asyncio.sleep(0.05)
        await other.send(request("GET /readyz HTTP/1.1"))
        assert (await other.answer()).status == 503
        ending.set_result(None)
        await closing


async def test_closing_cancels_what_does_not_end_and_says_so(place: Place, blocked):
    async with begun(place) as raw:
        await place.gateway.close(0.1)
        answer = await raw.answer()
        assert (answer.status, answer.problem["detail"]) == (503, "the server is closing")
        assert place.engine.cancelled == ["fn"]
    await place.gateway.close()  # again


async def test_the_cancelled_invocation_of_a_client_that_stays_is_told(place: Place):
    async def cancelled(event):
        raise asyncio.CancelledError

    await place.on_http("GET", "/", cancelled)
    async with place.client() as client:
        answer = await client.get("/")
        assert (answer.status_code, answer.json()["error"]) == (500, "CancelledError")
        assert (await client.get("/healthz")).status_code == 200


async def test_a_port_that_is_taken_is_named(place: Place):
    with pytest.raises(GatewayUnavailable, match=str(place.port)):
        await Gateway(SmallEngine(), port=place.port, token=TOKEN).start()


async def test_it_can_be_started_anew_at_once_on_the_same_port(place: Place):
    async with idle(place):
        await place.gateway.close()
    async with running(port=place.port) as again, again.client() as client:
        assert (await client.get("/healthz")).status_code == 200


async def test_its_repr_says_where_it_is(place: Place):
    assert repr(place.gateway) == f"<Gateway {place.url} 0 routes>"
    await place.gateway.close()
    assert repr(place.gateway) == "<Gateway closed 0 routes>"
