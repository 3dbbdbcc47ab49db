"""Asking a server for its events' part, with its errors as they are raised there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from nbfaas.agent.event import BadEvent
from nbfaas.errors import RemoteError
from nbfaas.errors.serve import ServerGone, ServerRefused
from nbfaas.model.failures import ErrorTold, told
from nbfaas.model.session_events import Standing

if TYPE_CHECKING:
    from nbfaas.client.asking import ServerClient

_FRESH = 0.2  # seconds that a standing is taken for the present one, if nothing is changed here


class EventLink:
    """Thread-safe. ``session`` is the id of the notebook's session there; ``gone`` tells why it is
    over, if it is."""

    def __init__(
        self, client: ServerClient, session: str, gone: Callable[[], ServerGone | None]
    ) -> None:
        self.session = session
        self._client = client
        self._gone = gone
        self._lock = threading.Lock()
        self._standing: Standing | None = None
        self._asked_at = 0.0  # monotonic

    def __repr__(self) -> str:
        return f"<EventLink to {self._client.url}, session {self.session}>"

    @property
    def is_open(self) -> bool:
        return self._gone() is None

    def ask(self, what: str, **query: Any) -> Any:
        """JSON. Raises what is raised there, ``ServerGone``, ``ServerRefused`` and
        ``ServerUnreachable``."""
        self._check()
        try:
            return self._client.get(self._path(what), **query)
        except ServerRefused as refused:
            raise self._raised(refused) from None

    def ask_for(self, what: str, body: Any) -> Any:
        """The same, of a longer question."""
        self._check()
        try:
            return self._client.post(self._path(what), msgspec.to_builtins(body))
        except ServerRefused as refused:
            raise self._raised(refused) from None

    def tell(self, what: str, body: Any) -> Any:
        """The same, of what may change the standing."""
        try:
            return self.ask_for(what, body)
        finally:
            with self._lock:
                self._standing = None

    def standing(self) -> Standing:
        """The triggers, and what is before them."""
        with self._lock:
            now = time.monotonic()
            if self._standing is None or now > self._asked_at + _FRESH:
                self._standing = msgspec.convert(self.ask("standing"), Standing)
                self._asked_at = now
            return self._standing

    def _check(self) -> None:
        if (gone := self._gone()) is not None:
            raise gone.again()

    def _path(self, what: str) -> str:
        return f"/sessions/{self.session}/events/{what}"

    def _raised(self, refused: ServerRefused) -> BaseException:
        """The error, if it is one that is told with its type."""
        if refused.error == "SessionEnded":
            return ServerGone(self._client.url, refused.detail)
        attributes = refused.members.get("attributes")
        if refused.error is None or not isinstance(attributes, dict):
            return refused
        if refused.error == BadEvent.__name__:
            return BadEvent(refused.detail)
        found = told(ErrorTold(refused.error, refused.detail, attributes))
        return refused if isinstance(found, RemoteError) else found
