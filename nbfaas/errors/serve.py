"""What can go wrong with a server of deployed functions, and with asking one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nbfaas.errors.base import ConfigurationError, NbfaasError, ReadableKeyError
from nbfaas.errors.invocation import InvocationError
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


class NotServed(ServerError, ReadableKeyError):
    """The server has no such function, version or alias."""

    def __init__(self, reference: str, known: Iterable[str]) -> None:
        super().__init__(f"no function is served as {reference!r}; {nearest(reference, known)}")
        self.reference = reference


class AliasMissing(ServerError):
    """A function is to be served by an alias that it does not have."""

    def __init__(self, function: str, alias: str) -> None:
        super().__init__(
            f"{function!r} has no alias {alias!r}, which is what its name alone stands for. Lead "
            f"it to a version: nbfaas alias {function} {alias} VERSION (nbfaas versions {function} "
            f"lists them), or serve a version as it is: {function}:vN."
        )
        self.function = function


class TriggerNotMade(ServerError):
    """A trigger of a served function can't be made; its other triggers and calls of it work.
    ``function`` tells the version: ``thumb v3``."""

    def __init__(self, function: str, trigger: str, reason: str, fix: str = "") -> None:
        reason = reason.rstrip(".")
        super().__init__(
            f"the trigger {trigger!r} of {function} does not work: {reason}. {fix}".rstrip()
        )
        self.function = function
        self.trigger = trigger


class ServerUnreachable(ServerError):
    """Nothing answers at the server's address."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"no server answers at {url}: {reason}. Is `nbfaas serve` running there? "
            "nbfaas.connect(URL), --server or NBFAAS_SERVER says where it is."
        )
        self.url = url


class ServerRefused(ServerError):
    """The server has answered with a problem. ``status`` is HTTP's, ``error`` the type of the
    error there, if it tells one; ``members`` are all that the problem has."""

    def __init__(
        self,
        status: int,
        detail: str,
        error: str | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        gives = ". nbfaas.connect(url, token=…), --token or NBFAAS_TOKEN gives it."
        hint = gives if status == 401 else ""
        super().__init__(f"{f'{error}: ' if error else ''}{detail}{hint} (HTTP {status})")
        self.status = status
        self.error = error
        self.detail = detail
        self.members = members or {}


CLOSED = "it was closed"  # the reason of what is gone because this process has hung up


class ServerGone(ServerError, InvocationError):
    """The server that this notebook works on is gone, or has ended the session. What was under way
    there was cancelled, unless the server is beyond reach."""

    def __init__(self, url: str, reason: str) -> None:
        here = "" if reason == CLOSED else "; after %faas disconnect functions run here again"
        super().__init__(
            f"the connection to the server {url} is over: {reason}. nbfaas.connect or %faas "
            f"connect makes another{here}."
        )
        self.url = url
        self.reason = reason

    def again(self) -> ServerGone:
        """Another of the same, to be raised with a traceback of its own."""
        return type(self)(self.url, self.reason)


class NotConnected(ServerError):
    """A function of a server is to be called while this process does not work there. ``now`` is
    the server on which it works, None if functions run here."""

    def __init__(self, function: str, url: str, now: str | None) -> None:
        where = "here" if now is None else f"on {now}"
        super().__init__(
            f"{function!r} is a function of the server {url}, and this notebook runs functions "
            f"{where}: the connection was closed, or another was made since. nbfaas.connect or "
            "%faas connect makes it again; nbfaas.deployed gives what is deployed where they run."
        )
        self.function = function
        self.url = url


class NotOnServer(ServerError):
    """Something that only works where functions run in this process, not on a server."""

    def __init__(self, what: str, url: str, fix: str) -> None:
        super().__init__(
            f"{what} is not there while this notebook works on the server {url}. {fix}"
        )
        self.url = url


class BadWebhook(NbfaasError):
    """A webhook's request was not signed as it has to be. ``reason`` tells nothing secret."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the webhook's signature was refused: {reason}")
        self.reason = reason
