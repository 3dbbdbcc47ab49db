"""What can go wrong with a server of deployed functions, and with asking one."""

from __future__ import annotations

from collections.abc import Iterable

from nbfaas.errors.base import ConfigurationError, NbfaasError
from nbfaas.errors.simulator import nearest


class ServerConfigError(ConfigurationError):
    """The file that a server is configured with has something that makes no sense."""

    def __init__(self, file: str, place: str, problem: str) -> None:
        super().__init__(f"{file}: {place}: {problem}" if place else f"{file}: {problem}")
        self.file = file
        self.place = place


class UnknownKey(ServerConfigError):
    """A key that servers don't have."""

    def __init__(self, file: str, place: str, key: str, known: Iterable[str]) -> None:
        problem = f"there is no such key; {nearest(key, known)}"
        super().__init__(file, f"{place}{key}", f"{problem}. nbfaas serve --print-config has all.")
        self.key = key


class ServerError(NbfaasError):
    """A server of deployed functions can't be asked, or says no."""


class NotServed(ServerError, KeyError):
    """The server has no such function, version or alias."""

    def __init__(self, reference: str, known: Iterable[str]) -> None:
        super().__init__(f"no function is served as {reference!r}; {nearest(reference, known)}")
        self.reference = reference

    def __str__(self) -> str:  # KeyError would show the repr of the message
        return str(self.args[0])


class ServerUnreachable(ServerError):
    """Nothing answers at the server's address."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"no server answers at {url}: {reason}. Is `nbfaas serve` running there? --server or "
            "NBFAAS_SERVER says where it is."
        )
        self.url = url


class ServerRefused(ServerError):
    """The server has answered with a problem. ``status`` is HTTP's, ``error`` the type of the
    error there, if it tells one."""

    def __init__(self, status: int, detail: str, error: str | None = None) -> None:
        hint = " --token or NBFAAS_TOKEN gives the token." if status == 401 else ""
        super().__init__(f"{f'{error}: ' if error else ''}{detail}{hint} (HTTP {status})")
        self.status = status
        self.error = error
        self.detail = detail


class BadWebhook(NbfaasError):
    """A webhook's request was not signed as it has to be. ``reason`` tells nothing secret."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the webhook's signature was refused: {reason}")
        self.reason = reason
