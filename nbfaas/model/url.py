"""URLs as they may be shown and stored: without what gives access."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def without_credentials(url: str) -> str:
    """Scheme, host, port and path: not the user and password, nor the query, which may have a
    token."""
    try:
        parts = urlsplit(url)
    except ValueError:  # none at all
        return url.partition("://")[0] + "://…"
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, place, parts.path, "", ""))
