"""CloudEvents over HTTP: binary, structured and batched mode, read through the SDK.

The SDK knows the binding. What it would let pass (a missing id is made up, broken JSON becomes
text, base64 is not checked) is decided here and in ``Event``, so that nothing is accepted that its
sender did not mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.http import HTTPMessage, from_binary, from_structured
from cloudevents.core.formats.json import JSONFormat

from nbfaas.agent.event import BadEvent, Event
from nbfaas.gateway.reply import Refusal
from nbfaas.gateway.request import is_json, media_type, read_json, text_of, trace

_STRUCTURED = "application/cloudevents+json"
_BATCHED = "application/cloudevents-batch+json"
_NO_EVENT = (
    "it is no CloudEvent: send ce-specversion, ce-id, ce-source and ce-type as headers with the "
    f"data as the body, or all of it as JSON with Content-Type {_STRUCTURED}, several as a list "
    f"with {_BATCHED}"
)
_QUOTED_PAIR = re.compile(r"\\(.)")


def read_events(
    headers: Mapping[str, str], body: bytes, batch_limit: int
) -> tuple[list[Event], bool]:
    """The events of a request, all checked, and whether it was a batch.

    Raises ``BadEvent``, naming the attribute, and ``Refusal`` (413: too many; 415: a format that
    is not understood).
    """
    media = media_type(headers.get("content-type", ""))
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Refusal(415, "compressed requests are not understood")
    if media == _BATCHED:
        return _batch(headers, body, batch_limit), True
    if media == _STRUCTURED:
        message = HTTPMessage({"content-type": media}, body)
        return [cast(Event, from_structured(message, _Strict(trace(headers))))], False
    if media.startswith("application/cloudevents"):
        raise Refusal(415, f"{media} is not understood; send {_STRUCTURED} or {_BATCHED}")
    return [_binary(headers, body)], False


class _Strict(JSONFormat):
    """The SDK's JSON format with strict reading; ``extras`` are extensions, if not given."""

    def __init__(self, extras: Mapping[str, str]) -> None:
        self._extras = extras

    def read(self, event_factory: object, data: str | bytes) -> BaseCloudEvent:
        found = _json(data.encode() if isinstance(data, str) else data, "the event")
        return cast(BaseCloudEvent, self.event(found))

    def event(self, found: Any) -> Event:
        if isinstance(found, dict) and self._extras:
            found = {**self._extras, **found}
        return Event.from_dict(found)

    def read_data(self, body: bytes, datacontenttype: str | None) -> Any:
        if not body:
            return None
        media = media_type(datacontenttype or "application/json")
        if is_json(media):
            return _json(body, "data")
        if media.startswith("text/") or media == "application/xml" or media.endswith("+xml"):
            try:
                return text_of(body, datacontenttype or "")
            except ValueError as error:
                raise BadEvent(f"data is no {media}: {error}") from None
        return body


def _json(raw: bytes, what: str) -> Any:
    try:
        return read_json(raw)
    except ValueError as error:
        raise BadEvent(f"{what} is no JSON: {error}") from None


def _batch(headers: Mapping[str, str], body: bytes, limit: int) -> list[Event]:
    found = _json(body, "the batch")
    if not isinstance(found, list):
        raise BadEvent("a batch is a JSON list of CloudEvents")
    if len(found) > limit:
        raise Refusal(413, f"the batch has {len(found):,} events; at most {limit:,} are taken")
    format_ = _Strict(trace(headers))
    events = []
    for index, one in enumerate(found):
        try:
            events.append(format_.event(one))
        except BadEvent as error:
            raise BadEvent(f"event {index} of the batch: {error}") from None
    return events


def _binary(headers: Mapping[str, str], body: bytes) -> Event:
    attributes = {name: value for name, value in headers.items() if name.startswith("ce-")}
    if not attributes:
        raise BadEvent(_NO_EVENT)
    if "ce-datacontenttype" in attributes:
        raise BadEvent("datacontenttype is the Content-Type header in binary mode")
    attributes = {name: _unquoted(name[3:], value) for name, value in attributes.items()}
    if content_type := headers.get("content-type"):
        attributes["content-type"] = content_type
    extras = trace(headers)

    def event(given: Mapping[str, Any], data: Any) -> Event:
        version = given.get("specversion")
        if version != "1.0":
            raise BadEvent(f"specversion is {version!r}; CloudEvents 1.0 are understood")
        for name in ("id", "source", "type"):
            if name not in given:
                raise BadEvent(f"{name!r} is missing; every CloudEvent has one: send ce-{name}")
        core = ("id", "source", "type", "subject", "time", "datacontenttype", "dataschema")
        return Event(
            data=data,
            extensions={
                **extras,
                **{k: v for k, v in given.items() if k not in core and k != "specversion"},
            },
            **{name: given[name] for name in core if name in given},
        )

    try:
        found = from_binary(HTTPMessage(attributes, body), _Strict({}), cast(Any, event))
    except BadEvent:
        raise
    except ValueError:  # of the SDK: only the time is parsed there
        raise BadEvent(
            f"time is {attributes.get('ce-time')!r}; RFC 3339 is '2026-11-23T14:03:00Z'"
        ) from None
    return cast(Event, found)


def _unquoted(name: str, value: str) -> str:
    """The value without quotes around it, still percent-encoded, which the SDK decodes leniently:
    so whether it is UTF-8 is checked here."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = _QUOTED_PAIR.sub(r"\1", value[1:-1])
    if not value.isascii():
        raise BadEvent(f"{name} has characters beyond ASCII in its header; percent-encode them")
    if "%" in value:
        try:
            unquote_to_bytes(value).decode("utf-8")
        except UnicodeDecodeError:
            raise BadEvent(f"{name} is not UTF-8 after percent-decoding") from None
    return value
