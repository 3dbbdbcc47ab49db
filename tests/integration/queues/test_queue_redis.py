"""What only Redis streams do."""

from __future__ import annotations

import json

import pytest
from queues import FileIntake, until
from running import running

from nbfaas.agent.event import Event
from nbfaas.errors.queue import QueueUnavailable
from nbfaas.triggers import redis_stream

pytestmark = pytest.mark.queues


async def test_an_entry_of_any_bytes_is_told_and_stops_nothing(redis_queue, intake):
    client, name = redis_queue.client, redis_queue.name
    await client.xadd(name, {b"\xff\xfe": b"\x80\x81", "ok": "ü"})
    await client.execute_command("XADD", name, "*", "a", "1", "b", "2", "a", "3")
    await client.xadd(name, {"event": '{"specversion": "1.0", "id": "x"}'})  # no CloudEvent
    await client.xadd(name, {"event": b"\xff"})
    await client.xadd(name, {"data": "[" * 100_000})
    await redis_queue.send(1)
    async with running(redis_queue.source(), intake):
        await until(lambda: len(intake.events) == 6)
    assert [event.data for event in intake.events] == [
        {"base64://4=": {"base64": "gIE="}, "ok": "ü"},
        {"a": ["1", "3"], "b": "2"},
        {"event": '{"specversion": "1.0", "id": "x"}'},
        {"event": {"base64": "/w=="}},
        {"data": "[" * 100_000},
        {"number": "1"},
    ]


async def test_ids_that_a_sender_made_up_are_told(redis_queue, intake):
    for number, entry in enumerate(("1-1", "18446744073709551614-7")):
        await redis_queue.client.xadd(redis_queue.name, {"number": number}, id=entry)
    async with running(redis_queue.source(), intake):
        await until(lambda: len(intake.events) == 2)
    assert [event.id for event in intake.events] == ["1-1", "18446744073709551614-7"]


async def test_a_stream_that_begins_anew_with_old_ids_loses_nothing(redis_queue, intake):
    client, name = redis_queue.client, redis_queue.name
    await client.xadd(name, {"number": 1}, id="1-1")
    async with running(redis_queue.source(), intake):
        await until(lambda: len(intake.events) == 1)
    await client.delete(name)
    await client.xadd(name, {"number": 2}, id="1-1")
    await client.xadd(name, {"number": 3}, id="1-2")
    async with running(redis_queue.source(), intake):
        await until(lambda: len(intake.events) == 3)
    assert [redis_queue.number_of(event) for event in intake.events] == [1, 2, 3]
    assert intake.events[1].id.startswith("1-1#")


async def test_a_group_that_is_gone_is_read_from_the_beginning(redis_queue, intake):
    source = redis_queue.source(start="new")
    async with running(source, intake):
        await until(lambda: intake.state)
    await redis_queue.client.delete(redis_queue.name)
    await redis_queue.send(1)  # while nobody reads
    async with running(source, intake):
        await until(lambda: intake.events)


async def test_entries_that_were_deleted_while_they_were_pending_stop_nothing(redis_queue, intake):
    await redis_queue.send(1, 2, 3)

    async def die(_events):
        raise RuntimeError("it dies")

    intake.before = die
    with pytest.raises(RuntimeError):
        await redis_queue.source().run(intake)
    entries = await redis_queue.client.xrange(redis_queue.name)
    await redis_queue.client.xdel(redis_queue.name, entries[1][0])
    intake.before = None
    async with running(redis_queue.source(), intake):
        await until(lambda: len(intake.events) == 2)
        await until(lambda: all_acknowledged(redis_queue))


async def test_another_kind_of_value_is_told(redis_queue, intake):
    await redis_queue.client.set(redis_queue.name, "no stream")
    with pytest.raises(QueueUnavailable, match=r"WRONGTYPE.*give stream= another one"):
        await redis_queue.source().run(intake)


async def test_a_socket_is_read_as_well(redis_queue, tmp_path):
    intake = FileIntake(tmp_path / "accepted")
    await redis_queue.send_event(Event("order.new", source="/shop", id="A"))
    url = f"unix://{redis_queue.server.socket}"
    with pytest.raises(QueueUnavailable, match=r"Authentication required.*See that user"):
        await redis_queue.source(url=url).run(intake)
    url = f"unix://:{redis_queue.server.url.split('@')[0].rpartition(':')[2]}@{url[7:]}?db=0"
    source = redis_queue.source(url=url)
    assert json.dumps(source.describe()).count("@") == 0
    async with running(source, intake):
        await until(lambda: intake.events)


async def test_one_name_is_kept_for_one_store(redis_queue, intake, tmp_path):
    names = []
    for path in (intake.path, intake.path, tmp_path / "another"):
        kept = FileIntake(path)
        async with running(redis_queue.source(), kept):
            await until(lambda kept=kept: kept.state)
        names.append(kept.state["consumer"])
    assert names[0] == names[1] != names[2]


async def all_acknowledged(queue) -> bool:
    return await queue.unacknowledged() == 0


async def test_large_messages_are_read_a_few_at_a_time(redis_queue, tmp_path, monkeypatch):
    monkeypatch.setattr(redis_stream, "BYTES", 40_000)
    sizes: list[int] = []

    async def note(events):
        sizes.append(len(events))

    intake = FileIntake(tmp_path / "large")
    intake.before = note
    for number in range(40):
        await redis_queue.client.xadd(redis_queue.name, {"number": number, "x": "x" * 9_900})
    await redis_queue.send(*range(40, 400))
    async with running(redis_queue.source(), intake):
        await until(lambda: len(intake.events) == 400)
    assert sizes[:3] == [10, 4, 4]
    assert max(sizes[:8]) < 20
    assert max(sizes) == redis_stream.BATCH  # and small ones many at once
    assert [redis_queue.number_of(event) for event in intake.events] == list(range(400))


def test_at_least_one_message_is_read_however_large_it_is():
    assert redis_stream.next_count(10, 1, 10**9) == 1
    assert redis_stream.next_count(1, 1, 0) == 2
    assert redis_stream.next_count(80, 3, 300) == redis_stream.BATCH
