"""What a notebook asks the server on which it works."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from nbfaas.errors import RemoteError
from nbfaas.errors.serve import ServerGone, ServerRefused
from nbfaas.model.failures import ErrorTold, told

if TYPE_CHECKING:
    from nbfaas.client.asking import ServerClient

T = TypeVar("T")


class Questions:
    """Thread-safe. ``session`` is the id of the notebook's session there; ``gone`` tells why it is
    over, if it is: nothing is asked then."""

    def __init__(
        self, client: ServerClient, session: str, gone: Callable[[], ServerGone | None]
    ) -> None:
        self._client = client
        self._session = session
        self._gone = gone

    def __repr__(self) -> str:
        return f"<Questions to {self._client.url}, session {self._session}>"

    def ask(self, what: str, kind: type[T], **query: Any) -> T:
        """A ``kind``. Blocks; raises what is raised there, and ``ServerError``."""
        self._check()
        try:
            found = self._client.get_bytes(f"/sessions/{self._session}/{what}", **query)
        except ServerRefused as refused:
            raise _raised(self._client.url, refused) from None
        return msgspec.msgpack.decode(found, type=kind)

    def tell(self, what: str, given: Any, kind: type[T]) -> T:
        """As ``ask``, with something that is given; it is asked once."""
        self._check()
        try:
            content = msgspec.msgpack.encode(given)
            found = self._client.post_bytes(f"/sessions/{self._session}/{what}", content)
        except ServerRefused as refused:
            raise _raised(self._client.url, refused) from None
        return msgspec.msgpack.decode(found, type=kind)

    def _check(self) -> None:
        if (gone := self._gone()) is not None:
            raise gone.again()


def _raised(url: str, refused: ServerRefused) -> BaseException:
    if refused.error == "SessionEnded":
        return ServerGone(url, refused.detail)
    attributes = refused.members.get("attributes")
    if refused.error is None or not isinstance(attributes, dict):
        return refused
    found = told(ErrorTold(refused.error, refused.detail, attributes))
    return refused if isinstance(found, RemoteError) else found
