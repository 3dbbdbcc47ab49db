"""Who is let in: the token, and against other web pages, the Host and Origin headers."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from nbfaas.gateway.reply import Refusal
from nbfaas.gateway.roles import NOBODYS_MARK, Role, Token

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_CHALLENGE = b"www-authenticate"
_NOBODYS = Token("")  # where there are no tokens, everybody may do all


class Guard:
    """``host`` is what the gateway is bound to. If only this machine reaches it, a request has to
    name it as such: else a page whose name was made to lead here (DNS rebinding) could ask.
    ``tokens`` that are no ``Token`` are an admin's."""

    def __init__(self, host: str, tokens: tuple[str, ...]) -> None:
        self.tokens = tokens
        self._tokens = [
            (token.encode(), token if isinstance(token, Token) else Token(token))
            for token in tokens
        ]
        self._local = is_loopback(host)

    def check_host(self, headers: Mapping[str, str]) -> None:
        """Raise ``Refusal`` if the request was meant for another host. Any port goes, since there
        may be a tunnel."""
        if not self._local:
            return
        host = headers.get("host", "")
        if _name(host) not in _LOOPBACK_NAMES:
            raise Refusal(421, f"the host {host!r} is not served here; ask for 127.0.0.1")

    def check_token(self, headers: Mapping[str, str], *roles: Role) -> Token:
        """The token that was sent, an admin's or of one of these ``roles``: without any, it has to
        be an admin's. Raise ``Refusal``: 401 without one of the tokens, if there are any; 403 if
        its role is another. All of them are compared, each in constant time."""
        if not self._tokens:
            return _NOBODYS
        sent = _bearer(headers)
        if not sent:
            detail = "send the gateway's token: Authorization: Bearer …"
            raise Refusal(401, detail, ((_CHALLENGE, b'Bearer realm="nbfaas"'),))
        found = self._find(sent)
        if found is None:
            challenge = b'Bearer realm="nbfaas", error="invalid_token"'
            raise Refusal(401, "this is not the gateway's token", ((_CHALLENGE, challenge),))
        if found.role is not Role.ADMIN and found.role not in roles:
            needed = " or ".join(dict.fromkeys((*roles, Role.ADMIN)))
            challenge = b'Bearer realm="nbfaas", error="insufficient_scope"'
            detail = f"this needs a token with the role {needed}; this one has {found.role}"
            raise Refusal(403, detail, ((_CHALLENGE, challenge),))
        return found

    def mark_of(self, headers: Mapping[str, str]) -> str:
        """The mark (see ``Token.mark``) of who asks where no token is needed, but may be sent."""
        if not self._tokens:
            return _NOBODYS.mark
        sent = _bearer(headers)
        found = self._find(sent) if sent else None
        return NOBODYS_MARK if found is None else found.mark

    def _find(self, sent: bytes) -> Token | None:
        found = [token for text, token in self._tokens if hmac.compare_digest(sent, text)]
        return found[0] if found else None

    def check_origin(self, headers: Mapping[str, str]) -> None:
        """For what needs no token: raise ``Refusal`` if the page of another site asks."""
        origin = headers.get("origin")
        if self._local and origin is not None and _origin_name(origin) not in _LOOPBACK_NAMES:
            raise Refusal(403, f"pages of {origin!r} may not ask here")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what is bound to ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bearer(headers: Mapping[str, str]) -> bytes:
    """The token that is sent, if any."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip().encode("latin-1") if scheme.lower() == "bearer" else b""


def _name(host: str) -> str:
    """Without the port and brackets, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _origin_name(origin: str) -> str | None:
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None
