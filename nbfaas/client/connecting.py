"""``nbfaas.connect``: this process works on a server."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn

from nbfaas.client.asking import ServerClient, server_url
from nbfaas.client.staying import stays_here
from nbfaas.errors.serve import ServerRefused
from nbfaas.service.current import notifier, places, work_at, work_no_more_at

if TYPE_CHECKING:
    from nbfaas.client.function import ServerFunction
    from nbfaas.client.service import ServerService

_PATIENCE = 60.0  # seconds; nothing that a session asks for takes longer


class Connection:
    """A server on which this process works, until ``close()`` or the end of the ``with`` block:
    decorated functions, cells, events and commands are its."""

    def __init__(self, service: ServerService) -> None:
        self._service = service
        self._closing = threading.Lock()

    @property
    def url(self) -> str:
        return self._service.server

    @property
    def is_over(self) -> bool:
        """Whether the server is gone, or has ended it."""
        return self._service.gone is not None

    def leads_to(self, url: str | None) -> bool:
        """Whether ``connect(url)`` would lead to the same server."""
        return server_url(url) == self.url

    def function(self, name: str) -> ServerFunction:
        """``thumb``, ``thumb:dev`` or ``thumb:v2``: with ``remote``, ``spawn`` and ``map``, as any
        function. Raises ``ServerRefused``."""
        return self._service.function(name)

    @property
    def functions(self) -> list[str]:
        """The names of what is served."""
        return self._service.served()

    def set_alias(
        self,
        function: str,
        alias: str,
        version: str | None = None,
        *,
        canary: str | None = None,
        weight: float | None = None,
    ) -> str:
        """Lead an alias of a function that is deployed there to a version, and the share ``weight``
        of its requests to a ``canary``; without ``version`` the others go where they do already.
        Returns where it leads: ``prod → v3``. Raises ``NotDeployed``, ``UnknownVersion``,
        ``BadDeployment``, ``ServerGone``."""
        return self._service.catalog.set_alias(function, alias, version, canary, weight)[0]

    def rollback(self, function: str, alias: str) -> str:
        """Lead an alias to where it led before it was last set. Raises ``NothingToRollBack``, and
        as ``set_alias`` does."""
        return self._service.catalog.rollback(function, alias)[0]

    def close(self) -> None:
        """Work where it was done before. What runs on the server is cancelled, the notebook's own
        functions and triggers are forgotten there. Idempotent."""
        with self._closing:
            work_no_more_at(self._service)
            self._service.close()

    def __enter__(self) -> Connection:
        if (gone := self._service.gone) is not None:
            self.close()
            raise gone.again()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise stays_here("a connection to a server", self.url)

    def __repr__(self) -> str:
        gone = self._service.gone
        state = f"session {self._service.session}" if gone is None else f"over: {gone.reason}"
        return f"<Connection to {self.url}, {state}>"


def connect(url: str | None = None, token: str | None = None) -> Connection:
    """Work on a running ``nbfaas serve``: what is decorated with ``@remote`` and ``on`` runs there,
    and so do ``%%faas`` cells; ``%faas`` commands show it. ``connect(url).function("thumb")`` is a
    function that is deployed there.

    Without arguments: NBFAAS_SERVER and NBFAAS_TOKEN, or the server of this machine. The token has
    to be an admin's. Raises ``ServerUnreachable``, ``ServerRefused``.
    """
    from nbfaas.client.service import ServerService

    client = ServerClient(url, token, seconds=_PATIENCE)
    try:
        service = ServerService(client, notify=notifier())
    except ServerRefused as refused:
        client.close()
        if refused.status == 403:
            refused.add_note(
                "(A notebook brings functions of its own, so it needs an admin's token. With one "
                "of the role invoke, POST /functions/NAME and nbfaas invoke call what is deployed.)"
            )
        raise
    except BaseException:
        client.close()
        raise
    for each in connections():
        if each.is_over:
            each.close()
    work_at(service)
    return Connection(service)


def connections() -> list[Connection]:
    """Those that were made here and not closed, the present one last."""
    from nbfaas.client.service import ServerService

    return [Connection(each) for each in places() if isinstance(each, ServerService)]
