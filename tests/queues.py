"""Both kinds of queues, each with what a test does upstream, and an intake that can be told to fail
or to wait."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import nats
import redis.asyncio
from queue_servers import PASSWORD, NatsServer, RedisServer, Server

from nbfaas.agent.event import Event
from nbfaas.errors.delivery import EventConflict
from nbfaas.triggers.queue_source import QueueSource


class FileIntake:
    """An intake whose memory is a file: what it returned from is there after SIGKILL. ``before`` is
    awaited (and may raise) before anything is accepted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.accepted: dict[tuple[str, str], Event] = {}
        self.state: Mapping[str, Any] | None = None
        self.before: Callable[[Sequence[Event]], Any] | None = None
        for line in path.read_bytes().splitlines() if path.exists() else ():
            with contextlib.suppress(ValueError):  # the last line, if a kill cut it off
                self._keep(json.loads(line))

    async def accept(
        self, events: Sequence[Event], *, state: Mapping[str, Any] | None = None
    ) -> None:
        if self.before is not None and events:
            await self.before(events)
        await asyncio.sleep(0)
        known = dict(self.accepted)
        for event in events:
            if _contents(known.setdefault((event.source, event.id), event)) != _contents(event):
                raise EventConflict(event.source, event.id)
        lines = [{"event": event.to_dict()} for event in events]
        lines += [{"state": state}] if state is not None else []
        with self.path.open("ab") as file:
            file.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
            os.fsync(file.fileno())
        for line in lines:
            self._keep(line)

    def _keep(self, line: Mapping[str, Any]) -> None:
        if "event" in line:
            event = Event.from_dict(line["event"])
            self.accepted.setdefault((event.source, event.id), event)
        else:
            self.state = line["state"]

    @property
    def events(self) -> list[Event]:
        return list(self.accepted.values())


def _contents(event: Event) -> dict[str, Any]:
    return {name: value for name, value in event.to_dict().items() if name != "time"}


class Queue(ABC):
    """One stream, of a name of its own, on a server of the session."""

    server_class: ClassVar[type[Server]]

    def __init__(self, server: Server) -> None:
        self.server = server
        self.name = f"orders-{uuid.uuid4().hex[:8]}"

    async def open(self) -> None:
        await self.connect()

    @abstractmethod
    async def connect(self) -> None: ...

    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    def source(self, **options: Any) -> QueueSource:
        """One that reads this stream; ``claim_after`` is 1 s."""

    @abstractmethod
    async def send(self, *numbers: int) -> None:
        """One message for each, which ``number_of`` finds in the event again."""

    @abstractmethod
    async def send_event(self, event: Event) -> None: ...

    @abstractmethod
    async def unacknowledged(self) -> int:
        """How many messages were given to a consumer that did not acknowledge them."""

    def connections(self) -> int:
        """How many are connected to the server."""
        open_ones = 0
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            open_ones += int(local.partition(":")[2], 16) == self.server.port and state == "01"
        return open_ones

    def number_of(self, event: Event) -> int:
        return int(event.data["number"])

    async def restart_server(self) -> None:
        await self.close()
        self.server.kill()
        await asyncio.sleep(0.3)
        self.server.start()
        await self.connect()


class RedisQueue(Queue):
    server_class = RedisServer

    async def connect(self) -> None:
        self.client = redis.asyncio.Redis.from_url(self.server.url)
        for _ in range(200):
            try:
                await self.client.ping()
                return
            except redis.exceptions.BusyLoadingError:
                await asyncio.sleep(0.05)

    async def close(self) -> None:
        await self.client.aclose()

    def source(self, **options: Any) -> QueueSource:
        url = options.pop("url", self.server.url)
        return QueueSource.from_url(url, **{"stream": self.name, "claim_after": 1, **options})

    async def send(self, *numbers: int) -> None:
        async with self.client.pipeline(transaction=False) as pipeline:
            for number in numbers:
                pipeline.xadd(self.name, {"number": number})
            await pipeline.execute()

    async def send_event(self, event: Event) -> None:
        await self.client.xadd(self.name, {"event": event.to_json()})

    async def unacknowledged(self) -> int:
        return int((await self.client.xpending(self.name, "nbfaas"))["pending"])


class NatsQueue(Queue):
    server_class = NatsServer

    async def open(self) -> None:
        await super().open()
        await self.stream.add_stream(name=self.name, subjects=[f"{self.name}.>"])

    async def connect(self) -> None:
        self.client = await nats.connect(
            f"nats://127.0.0.1:{self.server.port}", user="tester", password=PASSWORD
        )
        self.stream = self.client.jetstream(timeout=10)

    async def close(self) -> None:
        await self.client.close()
        await asyncio.sleep(0)

    def source(self, **options: Any) -> QueueSource:
        url = options.pop("url", self.server.url)
        return QueueSource.from_url(url, **{"stream": self.name, "claim_after": 1, **options})

    async def send(self, *numbers: int) -> None:
        for start in range(0, len(numbers), 100):
            await asyncio.gather(
                *(
                    self.stream.publish(f"{self.name}.new", json.dumps({"number": each}).encode())
                    for each in numbers[start : start + 100]
                )
            )

    async def send_event(self, event: Event) -> None:
        headers = {"Content-Type": "application/cloudevents+json"}
        await self.stream.publish(f"{self.name}.new", event.to_json(), headers=headers)

    async def unacknowledged(self) -> int:
        return int((await self.stream.consumer_info(self.name, "nbfaas")).num_ack_pending or 0)


async def until(is_so: Callable[[], Any], seconds: float = 30) -> None:
    """As in ``running``, but ``is_so`` may be a coroutine."""
    async with asyncio.timeout(seconds):
        while True:
            found = is_so()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.02)
