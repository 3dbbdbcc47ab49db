"""Sessions end, whatever happens as others do."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from nbfaas.model.session import Answered, Deploy, FrameReader, largest_frame
from nbfaas.server.session import Session
from nbfaas.server.session_catalog import SessionCatalog
from nbfaas.server.sessions import Sessions

pytestmark = pytest.mark.parametrize("service", ["process"], indirect=True)


def expiring(service) -> Sessions:
    nothing: Any = None
    catalog = SessionCatalog(service, nothing, nothing, "nbfaas.toml", lambda line: None)
    return Sessions(
        service, nothing, nothing, nothing, catalog, lambda line: None, expiry=0.3, limit=1 << 20
    )


async def opened(sessions: Sessions) -> Session:
    exchange: Any = SimpleNamespace(method="POST")
    reply = await sessions.answer("", exchange)
    return sessions._there[json.loads(reply.body)["id"]]


def test_a_session_that_ends_while_another_one_does_keeps_none_from_ending(service):
    async def scenario() -> None:
        sessions = expiring(service)
        first, second = await opened(sessions), await opened(sessions)

        async def end_the_second() -> None:
            await sessions.end(second, "its notebook has disconnected")

        first.at_end.append(end_the_second)
        async with asyncio.timeout(20):
            while not second.ended:
                await asyncio.sleep(0.05)
            third = await opened(sessions)
            while not third.ended:
                await asyncio.sleep(0.05)
        assert second.ended == "its notebook has disconnected"
        await sessions.close("over")

    service.run(scenario())


def test_what_goes_wrong_at_the_end_of_a_session_keeps_nothing_of_it(service, caplog):
    async def scenario() -> None:
        sessions = expiring(service)
        session = await opened(sessions)

        async def fail() -> None:
            raise OSError("no space left")

        session.at_end.append(fail)
        await sessions.end(session, "over")
        assert session.ended == "over"
        assert session.outbox._closed
        await sessions.close("over")

    service.run(scenario())
    assert "no space left" in caplog.text


def test_changes_that_a_client_gave_the_same_id_are_each_answered(service):
    async def scenario() -> list[Answered]:
        sessions = expiring(service)
        session = await opened(sessions)
        change = Deploy("the same", b"no manifest", b"", {}, None)
        await session.obey(1, [change, change])
        reader, answers = FrameReader(largest_frame(1 << 20)), []
        async with asyncio.timeout(20):
            async for chunk in session.outbox.stream(0):
                answers += [each for _, each in reader.feed(chunk) if isinstance(each, Answered)]
                if len(answers) == 2:
                    break
        await sessions.close("over")
        return answers

    one, other = service.run(scenario())
    assert one == other
    assert one.id == "the same"
    assert one.error is not None
