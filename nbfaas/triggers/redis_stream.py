"""Events from a Redis stream, read as a member of a consumer group."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from nbfaas.errors.delivery import BadTrigger
from nbfaas.errors.queue import QueueUnavailable
from nbfaas.triggers import queue_url
from nbfaas.triggers.queue_message import Message, from_fields
from nbfaas.triggers.queue_source import (
    BATCH,
    BEGINNING,
    QueueSource,
    check_claim_after,
    check_start,
    client_module,
    hand_in,
    held,
    raise_if_cancelled,
)
from nbfaas.triggers.source import Intake

BLOCK_SECONDS = 5.0
FEW = 10  # messages of the first batch: nobody knows yet how large they are
BYTES = 64_000_000  # of fields in one batch, if that is more than one message
ANSWER_SECONDS = 10.0  # for which an answer may be late
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PORTS = {"redis": 6379, "rediss": 6379, "unix": 0}
_EXAMPLE = "redis://localhost:6379/0"

Entry = tuple[bytes, Sequence[tuple[bytes, bytes]] | None]
"""Its id, and its fields: None if it was deleted while it was pending."""


class RedisStream(QueueSource):
    """``redis://[user:password@]host:port/db``, ``rediss://`` (TLS; ``?ssl_ca_certs=…`` and other
    ``ssl_…`` of redis-py) or ``unix:///path?db=0``. Redis 6.2 or newer.

    Group and stream are made if they are missing. The name under which this process reads is kept
    in the state, so that after a crash it finds what it had been given; ``consumer=`` is another
    name, which no two processes may use at once.
    """

    OPTIONS: ClassVar = ("stream", "group", "consumer", "start", "claim_after")

    def __init__(
        self,
        url: str,
        *,
        stream: str | None = None,
        group: str = "nbfaas",
        consumer: str | None = None,
        start: str = BEGINNING,
        claim_after: float = 60.0,
    ) -> None:
        self._url = queue_url.parse(url, _PORTS, _EXAMPLE)
        self._db, self._tls = _database(self._url), _tls_options(self._url)
        self._stream = _name("stream", stream)
        self._group = _name("group", group)
        self._consumer = None if consumer is None else _name("consumer", consumer)
        self._start = check_start(start)
        self._claim_after = check_claim_after(claim_after)
        self.place = f"{self._url.shown}/{self._db}/{quote(self._stream, safe=':')}"
        self._redis = client_module("redis.asyncio", self._url, "redis")
        self._pool()  # a wrong ssl_… is found here
        self._count = FEW

    def describe(self) -> str:
        return f"{self.place} (group {self._group})"

    async def run(self, intake: Intake) -> None:
        client = self._redis.Redis(connection_pool=self._pool())
        for command in ("XREADGROUP", "XAUTOCLAIM", "XCLAIM"):  # fields as they come: some do twice
            client.set_response_callback(command, _unchanged)
        try:
            consumer = await self._join(client, intake)
            # What this consumer had been given before, by a run that did not get to the end of it.
            while await self._read(client, intake, consumer, "0"):
                pass
            clock = asyncio.get_running_loop().time
            claim_at = clock()
            while True:
                if clock() >= claim_at:
                    await self._claim(client, intake, consumer)
                    claim_at = clock() + self._claim_after / 2
                await self._read(client, intake, consumer, ">")
        finally:
            await client.aclose()
            await client.connection_pool.disconnect()

    async def _join(self, client: Any, intake: Intake) -> str:
        """Make what is missing upstream; the name of this consumer."""
        state: Mapping[str, Any] = intake.state or {}
        # A group that was there before and is gone now is made anew from the beginning: what came
        # since then is not "new" but missed.
        known = state.get("group") == [self.place, self._group]
        begin = "0" if known or self._start == BEGINNING else "$"
        try:
            await self._ask(
                client, "XGROUP", "CREATE", self._stream, self._group, begin, "MKSTREAM"
            )
        except QueueUnavailable as error:
            if not error.reason.startswith("BUSYGROUP"):
                raise
        kept = state.get("consumer") if known else None
        consumer = self._consumer or kept or f"{socket.gethostname()}-{secrets.token_hex(4)}"
        if not known or consumer != kept:
            await intake.accept(
                [], state={"consumer": consumer, "group": [self.place, self._group]}
            )
        return str(consumer)

    async def _read(self, client: Any, intake: Intake, consumer: str, after: str) -> int:
        """Read and hand in one batch: of new entries (``after`` is ``>``), or of those that this
        consumer had been given already. Returns how many there were."""
        block = min(BLOCK_SECONDS, self._claim_after / 2)
        waiting = ("BLOCK", int(block * 1000)) if after == ">" else ()
        answer = await self._ask(
            client, "XREADGROUP", "GROUP", self._group, consumer, "COUNT", self._count, *waiting,
            "STREAMS", self._stream, after,
        )  # fmt: skip
        entries = _entries(answer[0][1] if answer else ())
        await self._deliver(client, intake, consumer, entries)
        return len(entries)

    async def _claim(self, client: Any, intake: Intake, consumer: str) -> None:
        """Take over what others were given ``claim_after`` seconds ago and did not acknowledge."""
        cursor = b"0-0"
        while True:
            cursor, found, *_ = await self._ask(
                client, "XAUTOCLAIM", self._stream, self._group, consumer,
                int(self._claim_after * 1000), cursor, "COUNT", self._count,
            )  # fmt: skip
            await self._deliver(client, intake, consumer, _entries(found))
            if cursor == b"0-0":
                return

    async def _deliver(
        self, client: Any, intake: Intake, consumer: str, entries: Sequence[Entry]
    ) -> None:
        if not entries:
            return
        self._count = next_count(self._count, len(entries), _size(entries))
        ids = [entry_id for entry_id, _ in entries]
        mine = (self._stream, self._group)

        async def extend() -> None:
            await self._ask(client, "XCLAIM", *mine, consumer, 0, *ids, "JUSTID")

        messages = [self._message(*entry) for entry in entries if entry[1] is not None]
        if messages:
            async with held(extend, self._claim_after / 3):
                await hand_in(intake, messages)
        await self._ask(client, "XACK", *mine, *ids)

    def _message(self, entry_id: bytes, fields: Sequence[tuple[bytes, bytes]] | None) -> Message:
        return from_fields(
            fields or (), source=self.place, id=entry_id.decode(), subject=self._stream,
            time=_time(entry_id),
        )  # fmt: skip

    async def _ask(self, client: Any, *command: Any) -> Any:
        try:
            async with asyncio.timeout(BLOCK_SECONDS + ANSWER_SECONDS):
                answer = await client.execute_command(*command)
        except (self._redis.RedisError, OSError) as error:
            raise_if_cancelled()
            reason = str(error).rstrip(".") or "no answer in time"
            raise QueueUnavailable(self.place, reason, _fix(reason)) from error
        raise_if_cancelled()
        return answer

    def _pool(self) -> Any:
        """Connections that don't repeat a command by themselves: what XREADGROUP returned would be
        lost until it is claimed, if only its answer got lost."""
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        options: dict[str, Any] = {
            "db": self._db,
            "username": self._url.username,
            "password": self._url.password,
            "protocol": 2,
            "retry": Retry(NoBackoff(), 0),
            "socket_timeout": None,  # _ask has one
            "health_check_interval": 0,
        }
        connection = self._redis.UnixDomainSocketConnection
        if self._url.scheme == "unix":
            options["path"] = self._url.path
        else:
            tls = self._url.scheme == "rediss"
            connection = self._redis.SSLConnection if tls else self._redis.Connection
            options |= {"host": self._url.host, "port": self._url.port, **self._tls}
            options |= {"socket_connect_timeout": ANSWER_SECONDS, "socket_keepalive": True}
        try:
            connection(**options)
        except (TypeError, ValueError) as error:
            raise BadTrigger("queue", "url", self._url.shown, f"redis-py says: {error}") from None
        return self._redis.ConnectionPool(connection_class=connection, **options)


def next_count(asked: int, got: int, size: int) -> int:
    """How many messages to ask for next, after ``got`` (of those ``asked`` for) had ``size`` bytes:
    as many of that size as are no more than ``BYTES``."""
    return max(1, min(BATCH, 2 * asked, got * BYTES // max(1, size)))


def _size(entries: Sequence[Entry]) -> int:
    return sum(len(value) for _, fields in entries for _, value in fields or ())


def _entries(found: Iterable[Any]) -> list[Entry]:
    """Of an answer: ids with fields in a flat list; nil where an entry is gone."""
    return [
        (each[0], None if each[1] is None else list(zip(each[1][::2], each[1][1::2], strict=True)))
        for each in found
        if each is not None
    ]


def _unchanged(answer: Any, **_options: Any) -> Any:
    return answer


def _time(entry_id: bytes) -> datetime:
    """Entry ids begin with milliseconds since the epoch; those that a sender made up, maybe not."""
    try:
        return EPOCH + timedelta(milliseconds=int(entry_id.partition(b"-")[0]))
    except OverflowError:
        return EPOCH


def _fix(reason: str) -> str:
    if reason.startswith("WRONGTYPE"):
        return "Another kind of value has the name of the stream: give stream= another one."
    if "unknown command" in reason.lower():
        return "Redis 6.2 or newer is needed."
    if any(word in reason.lower() for word in ("auth", "password", "noperm", "permission")):
        return "See that user and password are in the URL: redis://user:password@host:port/db."
    return ""


def _name(option: str, value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > 512 or not value.isprintable():
        wanted = "a name of up to 512 characters that are printable"
        raise BadTrigger("queue", option, value, wanted)
    return value


def _database(url: queue_url.QueueUrl) -> int:
    given = url.query.get("db")
    path = "" if url.scheme == "unix" else url.path.strip("/")
    text = (given if given is not None else path) or "0"
    if not (text.isascii() and text.isdigit()) or (path and given is not None):
        raise BadTrigger(
            "queue", "url", url.shown, f"the number of a database after the port: {_EXAMPLE!r}"
        )
    return int(text)


def _tls_options(url: queue_url.QueueUrl) -> dict[str, str | bool]:
    known = {name: value for name, value in url.query.items() if name.startswith("ssl_")}
    unknown = sorted(set(url.query) - set(known) - {"db"})
    if unknown or (known and url.scheme != "rediss"):
        wrong = (unknown or sorted(known))[0]
        raise BadTrigger(
            "queue",
            "url",
            url.shown,
            f"{wrong!r} can't be set there; db can, and ssl_… of rediss://",
        )
    booleans = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    return {
        name: booleans.get(value.lower(), value) if name == "ssl_check_hostname" else value
        for name, value in known.items()
    }
