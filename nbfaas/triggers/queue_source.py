"""Events from queues that live elsewhere: which an URL means, and how messages are handed in."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, ClassVar

from nbfaas.agent.event import Event
from nbfaas.errors.delivery import BadTrigger, EventConflict
from nbfaas.errors.queue import QueueClientMissing, QueueUnavailable
from nbfaas.triggers.queue_message import Message
from nbfaas.triggers.queue_url import QueueUrl, redacted
from nbfaas.triggers.source import Intake, Source

BATCH = 100  # messages that are read, accepted and acknowledged at once
BEGINNING, NEW = "beginning", "new"


class QueueSource(Source):
    """Reads a queue, and acknowledges messages upstream only once they are accepted here.

    ``claim_after``: seconds after which messages that were given to a process which did not
    acknowledge them (it died) are given to another one. ``start``: what is read when the queue is
    read for the very first time: from its ``beginning``, or only what is ``new``.
    """

    kind = "queue"
    OPTIONS: ClassVar[tuple[str, ...]]
    """What may be given besides the URL."""

    place: str
    """The URL of the stream, without credentials: the source of its events."""
    url: str
    """As it was given: with credentials, and so never to be shown."""

    @staticmethod
    def from_url(url: str, **options: Any) -> QueueSource:
        """The queue that the URL's scheme means. Raises ``BadTrigger`` and ``QueueClientMissing``;
        does no I/O."""
        if not isinstance(url, str):
            raise BadTrigger("queue", "url", url, "a str such as 'redis://localhost:6379/0'")
        scheme = url.partition("://")[0]
        found: type[QueueSource]
        if scheme in ("redis", "rediss", "unix"):
            from nbfaas.triggers.redis_stream import RedisStream as found  # noqa: N813
        elif scheme in ("nats", "tls"):
            from nbfaas.triggers.nats_jetstream import NatsJetStream as found  # noqa: N813
        else:
            raise BadTrigger(
                "queue", "url", redacted(url),
                "an URL that begins with redis://, rediss://, unix:// (Redis streams), nats:// or "
                "tls:// (NATS JetStream)",
            )  # fmt: skip
        for name, value in options.items():
            if name not in found.OPTIONS:
                raise BadTrigger(
                    "queue", name, value, f"{scheme}:// takes {', '.join(found.OPTIONS)}"
                )
        source = found(url, **options)
        source.url = url
        return source

    @abstractmethod
    def __init__(self, url: str, **options: Any) -> None: ...


async def hand_in(intake: Intake, messages: Sequence[Message]) -> None:
    """Return once all messages are durable. One whose source and id another event has is handed in
    under another id, so that it is neither lost nor stops those behind it."""
    try:
        await intake.accept([message.event for message in messages])
    except EventConflict:
        for message in messages:
            await _hand_in_alone(intake, message)


async def _hand_in_alone(intake: Intake, message: Message) -> None:
    alternatives = message.otherwise()
    event: Event = message.event
    while True:
        try:
            return await intake.accept([event])
        except EventConflict:
            if (following := next(alternatives, None)) is None:
                raise
            event = following


@contextlib.asynccontextmanager
async def held(extend: Callable[[], Awaitable[object]], every: float) -> AsyncIterator[None]:
    """Call ``extend`` every so many seconds while the block runs: what waits to be accepted must
    not look abandoned upstream. Where that finds upstream gone, whoever acknowledges will learn it
    as well."""

    async def repeat() -> None:
        with contextlib.suppress(QueueUnavailable):
            while True:
                await asyncio.sleep(every)
                await extend()

    holding = asyncio.create_task(repeat())
    try:
        yield
    finally:
        holding.cancel()
        # Not `suppress(CancelledError)`: that would also swallow a cancellation of this task.
        (ended,) = await asyncio.gather(holding, return_exceptions=True)
        if isinstance(ended, Exception):
            raise ended


def raise_if_cancelled() -> None:
    """To be called after what may have swallowed a cancellation: client libraries use
    ``asyncio.wait_for``, and Python 3.11's returns a result that comes at that very moment."""
    running = asyncio.current_task()
    if running is not None and running.cancelling():
        raise asyncio.CancelledError


def client_module(name: str, url: QueueUrl, extra: str) -> Any:
    """The client library. Raises ``QueueClientMissing``."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise QueueClientMissing(url.shown, extra, str(error)) from error


def check_start(value: object) -> str:
    if value not in (BEGINNING, NEW):
        raise BadTrigger("queue", "start", value, f"{BEGINNING!r} or {NEW!r}")
    return str(value)


def check_claim_after(value: object) -> float:
    right = isinstance(value, int | float) and not isinstance(value, bool)
    if not right or not 1 <= float(value) <= 86_400:  # type: ignore[arg-type]
        raise BadTrigger("queue", "claim_after", value, "seconds, from 1 to 86400")
    return float(value)  # type: ignore[arg-type]
