"""The W3C trace context of an event (Trace Context, level 1). Pure."""

from __future__ import annotations

import re

from nbfaas.agent.event import Event

_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def traceparent_of(event: Event) -> str:
    """The event's extension ``traceparent``, if it is one; else one made from source and id.

    So all attempts at all deliveries of an event belong to one trace, after a restart as well,
    and nothing has to be kept for that.
    """
    given = event.extensions.get("traceparent")
    if isinstance(given, str) and _FORM.fullmatch(given):
        return given
    import hashlib  # loads OpenSSL, 3 ms that a sandbox's start need not take

    digest = hashlib.sha256(f"{event.source}\0{event.id}".encode()).hexdigest()
    return f"00-{digest[:32]}-{digest[32:48]}-01"
