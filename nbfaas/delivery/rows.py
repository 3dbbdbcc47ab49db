"""Between Python and SQLite: rows as JSON arrays, policies and names as they are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from nbfaas.model.delivery import Delivery, DeliveryAttempt, DeliveryPolicy, Incoming, Overdue

ROWS = 512  # of one statement
_ERROR = 8 * 1024  # characters; what a sandbox says is not trusted to be short


def encoded(rows: Sequence[object]) -> str:
    """Rows as a JSON array. A lone surrogate, which SQLite can't keep, is written as an escape."""
    try:
        return msgspec.json.encode(rows).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_clean(rows)).decode()


def chunks(rows: Sequence[Any], size: int = ROWS) -> Iterator[str]:
    """``rows`` as JSON arrays of at most ``size`` each."""
    for start in range(0, len(rows), size):
        yield encoded(rows[start : start + size])


def answer(cursor: Any) -> list[Any]:
    """The rows of a statement that answers with one JSON array."""
    found: list[Any] = msgspec.json.decode(cursor.fetchall()[0][0])
    return found


def name_of(event: Incoming) -> str:
    """The hexadecimal hash that stands for source and id."""
    text = f"{len(event.source)}:{event.source}{event.id}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@lru_cache(maxsize=256)
def policy_text(policy: DeliveryPolicy) -> str:
    """All fields: that the defaults change must not change what was accepted."""
    return msgspec.json.encode(msgspec.structs.asdict(policy)).decode()


@lru_cache(maxsize=256)
def policy_of(text: str) -> DeliveryPolicy:
    return msgspec.json.decode(text, type=DeliveryPolicy)


def delivery_of(row: list[Any]) -> Delivery:
    """A row of ``deliveries.sql``."""
    *_, policy, body = row
    row[-2:] = policy_of(policy), body.encode()
    return Delivery(*row)


def overdue_of(row: list[Any]) -> Overdue:
    """A row of ``expiring.sql``."""
    row[-1] = policy_of(row[-1])
    return Overdue(*row)


def attempt_of(row: list[Any]) -> DeliveryAttempt:
    """A row of ``attempts.sql``, without its first column."""
    return DeliveryAttempt(*row)


def shortened(error: str | None) -> str | None:
    return error and error[:_ERROR]


def _clean(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case list() | tuple():
            return [_clean(item) for item in value]
    return value
