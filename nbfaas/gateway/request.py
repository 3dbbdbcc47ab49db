"""From an HTTP request to the event that a function gets. Pure."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from nbfaas.agent.event import BadEvent, Event
from nbfaas.gateway.reply import Refusal

EVENT_TYPE = "nbfaas.http.request"
SOURCE_PREFIX = "nbfaas/http/"
_FIELDS = 1000  # of a query or a form
_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,254}[\x21-\x7e])?")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
# About the connection; or (trace, key) an attribute of the event. A repeated request differs in
# the trace, and has to be the same event all the same.
_LEFT_OUT = frozenset(
    {
        "connection", "expect", "idempotency-key", "keep-alive", "proxy-authorization",
        "proxy-connection", "te", "traceparent", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
_SINGLE = frozenset({"authorization", "content-type", "host", "idempotency-key", "traceparent"})
_JSON_TYPE = re.compile(r"application/json|text/json|application/[\w.-]+\+json")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([\w.:-]+)\"?", re.IGNORECASE)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came. ``path`` is decoded; the headers' names are in lower case, repeated
    ones are there once, joined by commas."""

    method: str
    path: str
    query: bytes
    headers: Mapping[str, str]
    body: bytes


def joined_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by name. Raises ``Refusal`` if there are several where one decides."""
    found: dict[str, str] = {}
    for key, content in raw:
        name, value = key.decode("latin-1"), content.decode("latin-1")
        earlier = found.get(name)
        if earlier is None:
            found[name] = value
        elif name in _SINGLE or name.startswith("ce-"):
            raise Refusal(400, f"there are several {name} headers; send one")
        else:
            found[name] = f"{earlier}{'; ' if name == 'cookie' else ', '}{value}"
    return found


def request_event(
    trigger: str,
    request: HttpRequest,
    parameters: Mapping[str, Any],
    secrets: tuple[str, ...] = (),
    mark: str = "",
) -> Event:
    """The event of a request; headers that hold one of ``secrets``, the gateway's tokens, are left
    out. ``mark``: what its id begins with, so that a key that others have too is another event.

    ``data`` has method, path, path_parameters, query, headers and body, or body_base64. A name
    that is repeated in the query has a list. Raises ``Refusal`` if the body is not what its
    content type says.
    """
    headers = {
        name: value
        for name, value in request.headers.items()
        if name not in _LEFT_OUT and not any(secret in value for secret in secrets)
    }
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise Refusal(400, "Idempotency-Key has to be 1 to 256 printable ASCII characters")
    data = {
        "method": request.method,
        "path": request.path,
        "path_parameters": dict(parameters),
        "query": _fields(request.query.decode("latin-1"), "query"),
        "headers": headers,
        **_body(request),
    }
    try:
        return Event(
            EVENT_TYPE,
            data,
            source=SOURCE_PREFIX + trigger,
            id=f"{mark}{key or uuid.uuid4()}" if key or mark else None,
            subject=request.path,
            extensions=trace(request.headers),
        )
    except BadEvent as error:
        raise Refusal(400, f"the request makes no event: {error}") from None


def trace(headers: Mapping[str, str]) -> dict[str, str]:
    """The W3C trace context, as extension attributes; nothing if there is none that is valid."""
    found = headers.get("traceparent", "")
    return {"traceparent": found} if _TRACEPARENT.fullmatch(found) else {}


def read_json(raw: bytes) -> Any:
    """A JSON value of UTF-8. Raises ``ValueError``, also for NaN and for text that can't be
    encoded again (half of a surrogate pair)."""
    text = raw.decode("utf-8")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if _SURROGATE.search(text):
        json.dumps(value, ensure_ascii=False).encode()
    return value


@lru_cache(maxsize=256)
def is_json(media: str) -> bool:
    return _JSON_TYPE.fullmatch(media) is not None


@lru_cache(maxsize=256)
def media_type(content_type: str) -> str:
    """Without parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def text_of(raw: bytes, content_type: str) -> str:
    """Text in the charset that the content type names, or UTF-8. Raises ``ValueError``."""
    charset = _CHARSET.search(content_type)
    try:
        return raw.decode(charset[1] if charset else "utf-8")
    except LookupError:
        raise ValueError(f"the charset {charset[1] if charset else ''} is unknown") from None


def _body(request: HttpRequest) -> dict[str, Any]:
    raw, content_type = request.body, request.headers.get("content-type", "")
    if not raw:
        return {"body": None}
    media = media_type(content_type)
    if request.headers.get("content-encoding", "identity").lower() == "identity":
        try:
            if is_json(media):
                return {"body": read_json(raw)}
            if media == "application/x-www-form-urlencoded":
                return {"body": _fields(raw.decode("utf-8"), "form")}
            if media.startswith("text/"):
                return {"body": text_of(raw, content_type)}
        except ValueError as error:
            raise Refusal(400, f"the body is no valid {media}: {error}") from None
    return {"body_base64": base64.b64encode(raw).decode()}


def _fields(text: str, what: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        raise Refusal(400, f"the {what} has more than {_FIELDS} fields") from None
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
