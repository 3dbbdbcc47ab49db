"""Where a queue is: URLs taken apart, so that credentials are kept out of all that is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from nbfaas.errors.delivery import BadTrigger


@dataclass(frozen=True, slots=True)
class QueueUrl:
    """``shown`` is scheme, host and port (or path of a socket): all but the credentials."""

    scheme: str
    host: str
    port: int
    path: str
    shown: str
    query: Mapping[str, str] = field(repr=False)
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


def parse(url: object, ports: Mapping[str, int], example: str) -> QueueUrl:
    """``ports`` has the default port of each scheme that makes sense; 0 is for sockets, which have
    a path instead of a host. Raises ``BadTrigger``, in which no credentials are shown."""
    if not isinstance(url, str):
        raise BadTrigger("queue", "url", url, f"a str such as {example!r}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its text may show a part of the password
        raise _bad(
            url, f"an URL such as {example!r}; special characters of a password as %XX"
        ) from None
    if parts.scheme not in ports:
        wanted = ", ".join(f"{scheme}://" for scheme in ports)
        raise _bad(url, f"an URL that begins with {wanted}")
    if parts.fragment:
        raise _bad(url, "an URL without '#'; write it as %23 if it is part of the password")
    default = ports[parts.scheme]
    host = parts.hostname or ""
    if default == 0 and (host or not parts.path.strip("/")):
        raise _bad(url, f"the path of a socket: {parts.scheme}:///run/redis/redis.sock")
    if default and not host:
        raise _bad(url, f"an URL with a host, such as {example!r}")
    at = f"{f'[{host}]' if ':' in host else host}:{port or default}" if default else ""
    shown = f"{parts.scheme}://{at}" if default else f"{parts.scheme}://{parts.path}"
    return QueueUrl(
        scheme=parts.scheme,
        host=host,
        port=port or default,
        path=parts.path,
        shown=shown,
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


def redacted(url: str) -> str:
    """The URL, or what was meant to be one, without anything that could be a secret."""
    without_user = re.sub(r"^([a-zA-Z0-9+.-]*:?/*).*@", r"\1***@", url, flags=re.DOTALL)
    without_query = re.sub(r"[?#].*", "", without_user, flags=re.DOTALL)
    # What stands where the port should be: perhaps a password, if the host was forgotten.
    return re.sub(r"(//[^/:\[]*):(?!\d+(/|$))[^/]+", r"\1:***", without_query)


def _bad(url: str, wanted: str) -> BadTrigger:
    return BadTrigger("queue", "url", redacted(url), wanted)
