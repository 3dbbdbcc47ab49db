"""Events from a NATS JetStream stream, read by a durable pull consumer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from nbfaas.errors.delivery import BadTrigger
from nbfaas.errors.queue import QueueUnavailable
from nbfaas.triggers import queue_url
from nbfaas.triggers.nats_client import ANSWER_SECONDS, NatsConnection
from nbfaas.triggers.queue_message import Message, from_body
from nbfaas.triggers.queue_source import (
    BATCH,
    BEGINNING,
    QueueSource,
    check_claim_after,
    check_start,
    client_module,
    hand_in,
    held,
)
from nbfaas.triggers.source import Intake

PULL_SECONDS = 5.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PORTS = {"nats": 4222, "tls": 4222}
_EXAMPLE = "nats://localhost:4222"
_NAME = re.compile(r"[^\s.*>/\\]{1,255}")
# Parts between dots; '*' is a whole part, '>' the last one.
_SUBJECT = re.compile(r"((\*|[^\s.*>]+)\.)*(\*|>|[^\s.*>]+)")


class NatsJetStream(QueueSource):
    """``nats://[user:password@]host:port``, ``nats://token@host:port`` or ``tls://…``.

    ``subject`` (``orders.>``) is the part of the stream that is read; all of it, if not given. The
    durable consumer is made if it is missing. The stream has to exist, because how long it keeps
    messages is its owner's decision; ``create=True`` makes it with the server's defaults, for
    ``subject``.
    """

    OPTIONS: ClassVar = ("stream", "subject", "durable", "start", "claim_after", "create")

    def __init__(
        self,
        url: str,
        *,
        stream: str | None = None,
        subject: str | None = None,
        durable: str = "nbfaas",
        start: str = BEGINNING,
        claim_after: float = 60.0,
        create: bool = False,
    ) -> None:
        self._url = queue_url.parse(url, _PORTS, _EXAMPLE)
        if self._url.path.strip("/") or self._url.query:
            raise BadTrigger(
                "queue", "url", self._url.shown, "host and port only; the stream is stream="
            )
        self._stream = _name("stream", stream)
        self._durable = _name("durable", durable)
        self._subject = None if subject is None else _subject(subject)
        self._start = check_start(start)
        self._claim_after = check_claim_after(claim_after)
        if not isinstance(create, bool):
            raise BadTrigger("queue", "create", create, "True or False")
        if create and subject is None:
            raise BadTrigger("queue", "create", create, "subject= as well, which it is made for")
        self._create = create
        self.place = f"{self._url.shown}/{self._stream}"
        client_module("nats", self._url, "nats")

    def describe(self) -> str:
        subject = "" if self._subject is None else f" {self._subject}"
        return f"{self.place}{subject} (durable {self._durable})"

    async def run(self, intake: Intake) -> None:
        connection = NatsConnection(self._url, self.place)
        batch: list[Any] = []
        try:
            stream = await connection.open()
            ack_wait = await self._join(connection, stream, intake)
            left = 0  # messages that the last pull may still bring
            while True:
                if left <= 0 or (connection.pull_ended and not connection.messages):
                    await self._pull(connection)
                    left = BATCH
                await connection.something(PULL_SECONDS + ANSWER_SECONDS)
                while connection.messages and len(batch) < BATCH:
                    batch.append(connection.messages.popleft())
                left -= len(batch)
                await self._deliver(connection, intake, batch, ack_wait / 3)
                batch.clear()
        finally:
            await connection.close(give_back=batch)

    async def _pull(self, connection: NatsConnection) -> None:
        request = {"batch": BATCH, "expires": int(PULL_SECONDS * 1e9)}
        await connection.pull(
            f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._durable}",
            json.dumps(request).encode(),
        )

    async def _deliver(
        self, connection: NatsConnection, intake: Intake, batch: list[Any], every: float
    ) -> None:
        if not batch:
            return

        async def extend() -> None:
            for message in (*batch, *connection.messages):
                await connection.ask(message.in_progress())

        async with held(extend, every):
            await hand_in(intake, [self._message(message) for message in batch])
        for message in batch:
            await connection.ask(message.ack())
        await connection.flush()

    def _message(self, message: Any) -> Message:
        sequence, nanoseconds = _stored(message.reply)
        return from_body(
            message.data,
            message.headers or {},
            source=self.place,
            # A stream that was deleted and made again counts from 1 again.
            id=f"{sequence}-{nanoseconds}",
            subject=message.subject,
            time=EPOCH + timedelta(microseconds=nanoseconds // 1000),
        )

    async def _join(self, connection: NatsConnection, jetstream: Any, intake: Intake) -> float:
        """Make what is missing upstream; the seconds within which the server wants to hear."""
        state: Mapping[str, Any] = intake.state or {}
        key = [self.place, self._durable]
        known = state.get("durable") == key
        info = await self._found(connection, jetstream.consumer_info(self._stream, self._durable))
        if info is None:
            await self._need_stream(connection, jetstream)
            # As with a group of Redis: one that is gone is made again from the beginning.
            info = await connection.ask(
                jetstream.add_consumer(
                    self._stream,
                    durable_name=self._durable,
                    name=self._durable,
                    filter_subject=self._subject,
                    deliver_policy="all" if known or self._start == BEGINNING else "new",
                    ack_policy="explicit",
                    ack_wait=self._claim_after,
                )
            )
        if not known:
            await intake.accept([], state={"durable": key})
        return self._usable(info.config)

    async def _need_stream(self, connection: NatsConnection, jetstream: Any) -> None:
        if await self._found(connection, jetstream.stream_info(self._stream)) is not None:
            return
        if not self._create:
            raise QueueUnavailable(
                self.place,
                f"there is no stream {self._stream!r}",
                "Make it (`nats stream add`), or let it be made: on.queue(…, create=True).",
            )
        await connection.ask(jetstream.add_stream(name=self._stream, subjects=[self._subject]))

    async def _found(self, connection: NatsConnection, asking: Any) -> Any:
        """The answer, None if there is no such thing."""
        import nats.js.errors

        async def ask() -> Any:
            try:
                return await asking
            except nats.js.errors.NotFoundError:
                return None

        return await connection.ask(ask())

    def _usable(self, config: Any) -> float:
        """``ack_wait`` of the consumer in seconds. Raises if it was made for something else."""
        there = config.filter_subjects or ([config.filter_subject] if config.filter_subject else [])
        problem = ""
        if config.deliver_subject:
            problem = "is a push consumer, and messages are pulled"
        elif str(getattr(config.ack_policy, "value", config.ack_policy)) != "explicit":
            problem = "does not have messages acknowledged one by one"
        elif there != ([] if self._subject is None else [self._subject]):
            problem = f"reads {' and '.join(there) or 'all subjects'}, not {self._subject or 'all'}"
        if problem:
            raise QueueUnavailable(
                self.place,
                f"there is a consumer {self._durable!r} already, which {problem}",
                "Give durable= another name.",
            )
        return float(min([config.ack_wait or self._claim_after, *(config.backoff or [])]))


def _stored(reply: str) -> tuple[int, int]:
    """Of the subject that acknowledges a message: its number in the stream, and when it was stored,
    in nanoseconds since the epoch."""
    tokens = reply.split(".")
    domain = 0 if len(tokens) == 9 else 2  # newer servers put domain and account before the stream
    return int(tokens[5 + domain]), int(tokens[7 + domain])


def _name(option: str, value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value) or not value.isprintable():
        raise BadTrigger("queue", option, value, "a name without spaces, '.', '*', '>', '/', '\\'")
    return value


def _subject(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or not _SUBJECT.fullmatch(value):
        raise BadTrigger(
            "queue", "subject", value, "a subject such as 'orders.>' or 'orders.*.new'"
        )
    return value
