"""Requests about state, checked: they come from sandboxes, which may say anything. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from nbfaas.agent.state import MAX_KEY, MAX_VALUE, MOST

_MAX_CONTROL = 16 * 1024
# How many values each brings; ``cas`` without an old one has one less.
_VALUES = {"get": 0, "set": 1, "delete": 0, "incr": 0, "cas": 2, "keys": 0}


class BadRequest(Exception):
    """This is no request that an agent would make."""


class Request(msgspec.Struct, frozen=True):
    """See ``nbfaas.agent.state``. ``id`` is handed back with the reply."""

    op: Literal["get", "set", "delete", "incr", "cas", "keys"]
    id: int = 0
    key: str = ""
    ttl: float | None = None
    by: int = 0
    absent: bool = False
    prefix: str = ""
    after: str | None = None


def read_request(control: bytes, values: Sequence[bytes]) -> Request:
    """The request in a STATE frame. Raises ``BadRequest``."""
    if len(control) > _MAX_CONTROL:
        raise BadRequest(f"a request of {len(control)} bytes")
    try:
        request = msgspec.json.decode(control, type=Request)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BadRequest(str(error)) from None
    return _checked(request, values)


def request_of(said: Mapping[str, Any], values: Sequence[bytes]) -> Request:
    """The same of a dict, in this process."""
    try:
        return _checked(msgspec.convert(dict(said), Request), values)
    except msgspec.MsgspecError as error:
        raise BadRequest(str(error)) from None


def _checked(request: Request, values: Sequence[bytes]) -> Request:
    op = request.op
    if op != "keys":
        _check_text("key", request.key)
        if not request.key:
            raise BadRequest("an empty key")
    _check_text("prefix", request.prefix)
    _check_text("after", request.after or "")
    if request.ttl is not None and not 0 < request.ttl < MOST:
        raise BadRequest(f"a ttl of {request.ttl}")
    if abs(request.by) > MOST or not 0 <= request.id <= MOST:
        raise BadRequest("a number of more than 63 bits")
    expected = _VALUES[op] - (op == "cas" and request.absent)
    if len(values) != expected:
        raise BadRequest(f"{op} with {len(values)} values instead of {expected}")
    for value in values:
        if value[:1] not in (b"J", b"B") or len(value) > MAX_VALUE + 1:
            raise BadRequest(f"a value of {len(value)} bytes, beginning with {value[:1]!r}")
    return request


def _check_text(what: str, text: str) -> None:
    if len(text.encode()) > MAX_KEY or "\0" in text:
        raise BadRequest(f"a {what} of more than {MAX_KEY} bytes, or with a zero byte")
