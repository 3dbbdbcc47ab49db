"""What is sent back: a status, headers and a body; problems as RFC 9457 says."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

Headers = tuple[tuple[bytes, bytes], ...]

JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", b"application/problem+json")
_DETAIL_LIMIT = 4000  # characters
# Made once: ``json.dumps`` makes one for each call with such options.
encode_json = json.JSONEncoder(separators=(",", ":"), default=str).encode


class Reply(msgspec.Struct, frozen=True):
    """A response. The headers' names are in lower case; content-length is added when it is sent."""

    status: int
    headers: Headers = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class StreamReply:
    """A response of unknown length: ``chunks`` are sent as they come. If the client goes away, the
    iteration is cancelled."""

    chunks: AsyncGenerator[bytes, None]
    headers: Headers = ()


class Refusal(Exception):
    """A request that is answered with a problem; internal to the gateway."""

    def __init__(self, status: int, detail: str, headers: Headers = ()) -> None:
        super().__init__(detail)
        self.reply = problem(status, detail, headers=headers)


def json_reply(status: int, value: Any, headers: Headers = ()) -> Reply:
    return Reply(status, (JSON, *headers), encode_json(value).encode())


def problem(status: int, detail: str, *, headers: Headers = (), **members: Any) -> Reply:
    """Problem details; ``members`` are added to them, but for those that are None."""
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Problem"
    if len(detail) > _DETAIL_LIMIT:
        detail = detail[:_DETAIL_LIMIT] + "…"
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    content.update({name: value for name, value in members.items() if value is not None})
    body = encode_json(content).encode()
    return Reply(status, (_PROBLEM, *headers), body)


def not_allowed(methods: tuple[str, ...]) -> Reply:
    """There are only these ``methods`` at this path."""
    allowed = ", ".join(methods)
    detail = f"there is {allowed} at this path"
    return problem(405, detail, headers=((b"allow", allowed.encode()),))


def retry_after(seconds: float) -> tuple[bytes, bytes]:
    """The header, in whole seconds and at least one."""
    return (b"retry-after", str(max(1, math.ceil(seconds))).encode())
