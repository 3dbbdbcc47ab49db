"""What only NATS JetStream does."""

from __future__ import annotations

import asyncio
import json

import pytest
from queue_servers import PASSWORD
from queues import FileIntake, until
from running import running

from nbfaas.errors.queue import QueueUnavailable

pytestmark = pytest.mark.queues


async def test_bodies_are_json_text_or_bytes(nats_queue, intake):
    subject = f"{nats_queue.name}.x"
    for body, content_type in (
        (b'{"a": [1, null]}', None),
        (b"\xff\xfe", None),
        (b"", None),
        (b"NaN", None),
        (b'"\\ud800"', None),
        (b"12", "text/plain; charset=utf-8"),
        (b"12", "image/png"),
        (b"no json", "application/json"),
    ):
        headers = {"Content-Type": content_type} if content_type else None
        await nats_queue.stream.publish(subject, body, headers=headers)
    async with running(nats_queue.source(), intake):
        await until(lambda: len(intake.events) == 8)
        await until(lambda: all_acknowledged(nats_queue))
    assert [event.data for event in intake.events] == [
        *({"a": [1, None]}, b"\xff\xfe", b"", b"NaN", b'"\\ud800"', "12", b"12", b"no json")
    ]
    assert [event.datacontenttype for event in intake.events[5:]] == [
        *("text/plain; charset=utf-8", "image/png", "application/json")
    ]
    assert {event.subject for event in intake.events} == {subject}


async def test_a_cloud_event_may_be_in_the_headers(nats_queue, intake):
    await nats_queue.stream.publish(
        f"{nats_queue.name}.x",
        b'{"total": 5}',
        headers={
            "ce-specversion": "1.0",
            "ce-id": "A-1",
            "CE-Type": "order.new",
            "ce-source": "/shop",
            "ce-subject": "caf%C3%A9",
            "ce-tenant": "b",
            "Content-Type": "application/json",
        },
    )
    async with running(nats_queue.source(), intake):
        await until(lambda: intake.events)
    (event,) = intake.events
    assert (event.id, event.type, event.source, event.subject) == (
        *("A-1", "order.new", "/shop", "café"),
    )
    assert (event.data, event.extensions) == ({"total": 5}, {"tenant": "b"})


async def test_headers_that_make_no_cloud_event_are_kept(nats_queue, intake):
    headers = {"ce-specversion": "1.0", "ce-id": "A-1", "Status": "404"}
    await nats_queue.stream.publish(f"{nats_queue.name}.x", b"{}", headers=headers)
    async with running(nats_queue.source(), intake):
        await until(lambda: intake.events)
    assert intake.events[0].type == "nbfaas.queue.message"
    assert json.loads(intake.events[0].extensions["headers"]) == headers


async def test_subjects_and_headers_of_any_bytes_stop_nothing(nats_queue, intake):
    prefix = nats_queue.name.encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", nats_queue.server.port)
    await reader.readline()
    login = {"user": "tester", "pass": PASSWORD, "headers": True, "verbose": False}
    writer.write(b"CONNECT " + json.dumps(login).encode() + b"\r\n")
    writer.write(b"PUB " + prefix + b".\xff 2\r\nhi\r\n")
    header = b"NATS/1.0\r\n\xff: \xfe\r\nce-id: \xff\r\nnonsense\r\n\r\n"
    sizes = f"{len(header)} {len(header) + 2}".encode()
    writer.write(b"HPUB " + prefix + b".h " + sizes + b"\r\n" + header + b"hi\r\nPING\r\n")
    assert await reader.readline() == b"PONG\r\n"
    writer.close()
    await writer.wait_closed()
    await nats_queue.send(1)
    async with running(nats_queue.source(), intake):
        await until(lambda: len(intake.events) == 3)
        await until(lambda: all_acknowledged(nats_queue))
    assert intake.events[0].subject == f"{nats_queue.name}.\\xff"
    assert [event.data for event in intake.events] == [b"hi", b"hi", {"number": 1}]


async def test_a_stream_that_was_made_again_loses_nothing(nats_queue, intake):
    await nats_queue.send(1)
    async with running(nats_queue.source(), intake):
        await until(lambda: len(intake.events) == 1)
    await nats_queue.stream.delete_stream(nats_queue.name)
    await nats_queue.stream.add_stream(name=nats_queue.name, subjects=[f"{nats_queue.name}.>"])
    await nats_queue.send(1)  # the same number of the stream, and the same contents
    async with running(nats_queue.source(), intake):
        await until(lambda: len(intake.events) == 2)


async def test_only_its_subject_is_read(nats_queue, intake):
    name = nats_queue.name
    for subject in ("a.new", "b.new", "a.old"):
        await nats_queue.stream.publish(f"{name}.{subject}", b"1")
    source = nats_queue.source(subject=f"{name}.*.new")
    assert f"{name}.*.new" in source.describe()
    async with running(source, intake):
        await until(lambda: len(intake.events) == 2)
    assert {event.subject for event in intake.events} == {f"{name}.a.new", f"{name}.b.new"}


async def test_a_consumer_that_was_made_for_something_else_is_told(nats_queue, intake):
    async with running(nats_queue.source(), intake):
        await until(lambda: intake.state)
    with pytest.raises(QueueUnavailable, match=r"reads all subjects, not .*durable= another name"):
        await nats_queue.source(subject=f"{nats_queue.name}.a").run(intake)
    await nats_queue.stream.add_consumer(nats_queue.name, durable_name="push", deliver_subject="x")
    with pytest.raises(QueueUnavailable, match="push consumer"):
        await nats_queue.source(durable="push").run(intake)
    await nats_queue.stream.add_consumer(nats_queue.name, durable_name="all", ack_policy="all")
    with pytest.raises(QueueUnavailable, match="one by one"):
        await nats_queue.source(durable="all").run(intake)


async def test_a_stream_that_is_missing_is_told_or_made(nats_queue, intake, tmp_path):
    await nats_queue.stream.delete_stream(nats_queue.name)
    with pytest.raises(QueueUnavailable, match=r"there is no stream.*create=True"):
        await nats_queue.source().run(intake)
    source = nats_queue.source(create=True, subject=f"{nats_queue.name}.>")
    async with running(source, intake):
        await until(lambda: intake.state)
        await nats_queue.send(5)
        await until(lambda: intake.events)
        # A consumer that is deleted while it is read ends the run, and the next one makes it anew.
    other = FileIntake(tmp_path / "other")
    run = asyncio.create_task(source.run(other))
    await until(lambda: other.state)
    await asyncio.sleep(0.2)
    await nats_queue.stream.delete_consumer(nats_queue.name, "nbfaas")
    with pytest.raises(QueueUnavailable):
        await asyncio.wait_for(run, 30)


async def all_acknowledged(queue) -> bool:
    return await queue.unacknowledged() == 0
