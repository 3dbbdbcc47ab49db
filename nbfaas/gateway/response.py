"""From what a function returned to an HTTP response. Pure."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from nbfaas.agent.units import with_article
from nbfaas.errors.delivery import ResultNotJson
from nbfaas.errors.gateway import BadHttpResponse
from nbfaas.gateway.reply import JSON, Reply

_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_BYTES = (b"content-type", b"application/octet-stream")
_MEMBERS = frozenset(
    {"statusCode", "status", "headers", "multiValueHeaders", "cookies", "body", "isBase64Encoded"}
)
# The connection is the server's, and so is the length.
_REFUSED = frozenset(
    {
        "connection", "content-length", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_EMPTY = frozenset({204, 205, 304})  # they have no body


def response_of(result: Any, trigger: str) -> Reply:
    """The response that ``result`` makes.

    A dict with ``statusCode`` is the response itself (as with AWS Lambda's proxy integration:
    ``headers``, ``multiValueHeaders``, ``cookies``, ``body``, ``isBase64Encoded``), and so is one
    with a whole number as ``status`` and no other members than these. Else None is 204, a str is
    text, bytes are an octet stream, and anything else is JSON. Raises ``BadHttpResponse`` and
    ``ResultNotJson``.
    """
    if result is None:
        return Reply(204)
    if isinstance(result, str):
        return Reply(200, (_TEXT,), _text(result, trigger))
    if isinstance(result, bytes | bytearray | memoryview):
        return Reply(200, (_BYTES,), bytes(result))
    if isinstance(result, dict) and _is_response(result):
        return _declared(result, trigger)
    return Reply(200, (JSON,), _json(result, trigger))


def _is_response(result: Mapping[Any, Any]) -> bool:
    if "statusCode" in result:
        return True
    status = result.get("status")
    return type(status) is int and result.keys() <= _MEMBERS


def _declared(result: Mapping[str, Any], trigger: str) -> Reply:
    def wrong(problem: str) -> BadHttpResponse:
        return BadHttpResponse(trigger, problem)

    status = result["statusCode"] if "statusCode" in result else result["status"]
    if isinstance(status, str) and status.isascii() and status.isdigit():
        status = int(status)
    if type(status) is not int or not 200 <= status <= 599:
        raise wrong(f"its status is {status!r}, and no whole number from 200 to 599")
    try:
        headers = _headers(result)
    except ValueError as error:
        raise wrong(str(error)) from None
    body, media = _body(result, trigger, wrong)
    if status in _EMPTY:
        if body:
            raise wrong(f"a response of status {status} has no body")
    elif media is not None and not any(name == b"content-type" for name, _ in headers):
        headers.append(media)
    return Reply(status, tuple(headers), body)


def _body(
    result: Mapping[str, Any], trigger: str, wrong: Any
) -> tuple[bytes, tuple[bytes, bytes] | None]:
    body = result.get("body")
    encoded = result.get("isBase64Encoded", False)
    if not isinstance(encoded, bool):
        raise wrong(f"isBase64Encoded is {encoded!r}, neither True nor False")
    if encoded:
        try:
            return base64.b64decode(body or "", validate=True), _BYTES
        except (TypeError, ValueError):
            raise wrong("isBase64Encoded is True, but its body is not base64") from None
    if body is None:
        return b"", None
    if isinstance(body, str):
        return _text(body, trigger), _TEXT
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body), _BYTES
    return _json(body, trigger), JSON


def _headers(result: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """Raises ``ValueError``: what is wrong, without the values, which may be secret."""
    multiple = _mapping(result, "multiValueHeaders")
    plural = {str(name).lower() for name in multiple}
    found: list[tuple[bytes, bytes]] = []
    for name, value in _mapping(result, "headers").items():
        if str(name).lower() not in plural:  # else multiValueHeaders decides, as Lambda has it
            found.append(_header(name, value))
    for name, values in multiple.items():
        if not isinstance(values, list | tuple):
            raise ValueError(f"the header {name!r} of multiValueHeaders has no list")
        found.extend(_header(name, value) for value in values)
    cookies = result.get("cookies") or []
    if not isinstance(cookies, list | tuple):
        raise ValueError("its cookies are no list")
    found.extend(_header("set-cookie", cookie) for cookie in cookies)
    return found


def _mapping(result: Mapping[str, Any], member: str) -> Mapping[Any, Any]:
    given = result.get(member) or {}
    if not isinstance(given, Mapping):
        raise ValueError(f"its {member} are no dict")
    return given


def _header(name: object, value: object) -> tuple[bytes, bytes]:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} can't be the name of a header")
    if name.lower() in _REFUSED:
        raise ValueError(f"the header {name!r} is the server's to set")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"the header {name!r} is {with_article(type(value).__name__)}, and no str")
    text = str(value).strip(" \t")
    if not _VALUE.fullmatch(text):
        raise ValueError(
            f"the header {name!r} has a line break, a control character or one beyond Latin-1"
        )
    return name.lower().encode(), text.encode("latin-1")


def _text(text: str, trigger: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise BadHttpResponse(trigger, "its text has half of a surrogate pair") from None


def _json(value: Any, trigger: str) -> bytes:
    try:
        return _encode(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ResultNotJson(trigger, "an HTTP response", str(error)) from None
