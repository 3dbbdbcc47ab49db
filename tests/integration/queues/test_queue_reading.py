"""What comes out of a queue, and when upstream is told."""

from __future__ import annotations

import asyncio
import time

import pytest
from queue_servers import PASSWORD, QUOTED
from queues import FileIntake, until
from running import running

from nbfaas.agent.event import Event
from nbfaas.errors.queue import QueueUnavailable

pytestmark = pytest.mark.queues


async def test_a_message_becomes_an_event(queue, intake):
    await queue.send(7)
    async with running(source := queue.source(), intake):
        await until(lambda: intake.events)
        await until(lambda: nothing_pending(queue))
    (event,) = intake.events
    assert event.type == "nbfaas.queue.message"
    assert event.source == source.place
    assert queue.name in event.source
    assert queue.name in event.subject
    assert abs(event.time.timestamp() - time.time()) < 60
    assert queue.number_of(event) == 7
    shown = f"{source!r} {source.describe()} {event!r} {event.to_json()!r}"
    assert PASSWORD not in shown
    assert QUOTED not in shown


async def test_a_lone_message_does_not_wait_for_others(queue, intake):
    async with running(queue.source(), intake):
        await until(lambda: intake.state)
        for number in range(3):
            await asyncio.sleep(0.3)
            sent = time.monotonic()
            await queue.send(number)
            await until(lambda number=number: len(intake.events) == number + 1)
            assert time.monotonic() - sent < 2


async def test_what_was_there_before_is_read_or_not_as_start_says(queue, tmp_path):
    await queue.send(1)
    intake = FileIntake(tmp_path / "new")
    option = "group" if "redis" in queue.server.program else "durable"
    async with running(queue.source(start="new", **{option: "later"}), intake):
        await until(lambda: intake.state)
        await queue.send(2)
        await until(lambda: intake.events)
    assert [queue.number_of(event) for event in intake.events] == [2]


async def test_upstream_is_told_only_once_messages_are_durable(queue, intake):
    await queue.send(1, 2, 3)
    source = queue.source()

    async def fail(_events):
        assert await queue.unacknowledged() == 3
        raise OSError("the disk is full")

    intake.before = fail
    with pytest.raises(OSError, match="the disk is full"):
        await source.run(intake)
    assert intake.events == []
    intake.before = None
    async with running(source, intake):
        await until(lambda: len(intake.events) == 3)
        await until(lambda: nothing_pending(queue))


async def test_while_the_intake_waits_no_more_is_read_and_nobody_else_gets_it(queue, tmp_path):
    await queue.send(*range(500))
    slow, other = FileIntake(tmp_path / "slow"), FileIntake(tmp_path / "other")
    full = asyncio.Event()
    waiting: list[int] = []

    async def wait(events):
        waiting.append(len(events))
        await full.wait()

    slow.before = wait
    async with running(queue.source(), slow):
        await until(lambda: waiting)
        held = await queue.unacknowledged()
        assert held <= 100
        async with running(queue.source(), other):
            await until(lambda: len(other.events) >= 500 - held)
            await asyncio.sleep(3)  # three times what a dead consumer's messages are left alone
            assert len(other.events) == 500 - held
            assert len(waiting) == 1
            full.set()
            await until(lambda: len(slow.events) == held)
            await until(lambda: nothing_pending(queue))


async def test_what_a_dead_consumer_was_given_is_claimed_by_another(queue, tmp_path):
    await queue.send(*range(20))
    dead, other = FileIntake(tmp_path / "dead"), FileIntake(tmp_path / "other")
    taken = asyncio.Event()

    async def die(_events):
        taken.set()
        raise RuntimeError("it dies")

    dead.before = die
    with pytest.raises(RuntimeError):
        await queue.source().run(dead)
    assert taken.is_set()
    async with running(queue.source(), other):
        await until(lambda: len(other.events) == 20)
        await until(lambda: nothing_pending(queue))


async def test_an_event_in_a_message_is_that_event(queue, intake):
    sent = Event("order.new", {"total": 5}, source="/shop", id="A-1", extensions={"tenant": "b"})
    await queue.send_event(sent)
    async with running(queue.source(), intake):
        await until(lambda: intake.events)
    assert intake.events == [sent]


async def test_an_id_that_was_used_for_two_events_loses_none_of_them(queue, intake):
    first, second = (
        Event("order.new", {"total": total}, source="/shop", id="A-1") for total in (5, 6)
    )
    await queue.send_event(first)
    await queue.send_event(second)
    await queue.send_event(first)
    await queue.send(9)
    async with running(queue.source(), intake):
        await until(lambda: len(intake.events) == 3)
        await until(lambda: nothing_pending(queue))
    assert intake.events[0] == first
    assert intake.events[1].type == "nbfaas.queue.message"
    assert intake.events[1].source != "/shop"
    assert '"total":6' in str(intake.events[1].data) or intake.events[1].data["data"]["total"] == 6
    assert queue.number_of(intake.events[2]) == 9


async def test_wrong_credentials_are_told_without_being_shown(queue, intake):
    url = queue.server.url.replace(QUOTED, "not-the-secret")
    with pytest.raises(QueueUnavailable, match="password@") as caught:
        await queue.source(url=url).run(intake)
    assert "not-the-secret" not in str(caught.value)
    assert f"127.0.0.1:{queue.server.port}" in str(caught.value)


async def nothing_pending(queue) -> bool:
    return await queue.unacknowledged() == 0
