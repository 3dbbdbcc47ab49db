"""Signatures of webhooks, as Standard Webhooks has them (https://www.standardwebhooks.com). Pure.

The sender signs ``ID.TIMESTAMP.BODY`` with HMAC-SHA256, and sends webhook-id, webhook-timestamp and
webhook-signature, which has one or more of ``v1,BASE64``, with spaces in between.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

from nbfaas.errors.serve import BadWebhook

TOLERANCE = 300.0
"""Seconds that the timestamp may differ from the clock here."""
_PREFIX = "whsec_"
_ID = re.compile(r"[\x21-\x7e]{1,200}")
_SHORTEST, _LONGEST = 16, 256  # bytes of a secret


def secret_keys(text: str) -> tuple[bytes, ...]:
    """The keys of secrets with spaces in between, each ``whsec_`` and base64. Raises
    ``ValueError``."""
    found = []
    for secret in text.split():
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            raise ValueError("a secret is whsec_ and base64") from None
        if not _SHORTEST <= len(key) <= _LONGEST:
            raise ValueError(f"a secret has {_SHORTEST} to {_LONGEST} bytes")
        found.append(key)
    if not found:
        raise ValueError("there is none")
    return tuple(found)


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """``v1,…``, as a sender makes it."""
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float) -> str:
    """The id of a request that was signed with one of ``keys``. ``headers`` have names in lower
    case. Raises ``BadWebhook``."""
    message_id = headers.get("webhook-id", "")
    if not _ID.fullmatch(message_id):
        raise BadWebhook("webhook-id is missing, or is no printable ASCII")
    stamp = headers.get("webhook-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16):
        raise BadWebhook("webhook-timestamp is missing, or is no whole number of seconds")
    if abs(now - int(stamp)) > TOLERANCE:
        raise BadWebhook(f"webhook-timestamp is more than {TOLERANCE:g} s from the time here")
    given = headers.get("webhook-signature", "").split()
    expected = [sign(key, message_id, int(stamp), body).encode() for key in keys]
    matching = [
        hmac.compare_digest(each.encode("utf-8", "replace"), wanted)
        for each in given
        for wanted in expected
    ]
    if not any(matching):
        raise BadWebhook("no signature of webhook-signature is right")
    return message_id
