"""What a function in a sandbox is provided with besides its arguments: secrets, and state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nbfaas.agent.receiving import Receiver
from nbfaas.agent.secrets import Redactor, Secrets, keep_secrets
from nbfaas.agent.wire import Chunk, Frame, Kind, Part

if TYPE_CHECKING:
    from nbfaas.agent.state_line import Relay, StateLine


class Provisions:
    """``context.Provided`` over the agent's connection. Costs nothing until something is used."""

    def __init__(self, send: Callable[[list[Chunk]], None], receiver: Receiver) -> None:
        self.given: dict[str, str] = {}
        """What SECRETS brought."""
        self.receive: Callable[[], Frame | None] = lambda: receiver.wait_for(Kind.STATE_REPLY)
        """Returns the next reply about state, None once the host has closed."""
        self._send = send
        self._receiver = receiver
        self._secrets = Secrets({})
        self._redactor: Redactor | None = None
        self._line: StateLine | None = None

    def keep(self) -> Callable[[bytes], bytes] | None:
        """Make files of the secrets; what keeps their values out of output, if there are any.
        Raises ``OSError``."""
        if not self.given:
            return None
        self._redactor = Redactor(self.given)
        self._secrets = keep_secrets(self.given)
        return self._redactor.of_bytes

    def secrets(self) -> Secrets:
        return self._secrets

    def open_line(self) -> None:
        """The function has a context, and so may ask for state."""
        from nbfaas.agent.state_line import StateLine

        # Not ``receive`` as it is now: in a child process it is another one.
        self._line = StateLine(self._send, lambda: self.receive())

    def state(self) -> StateLine:
        assert self._line is not None, "only contexts ask"
        return self._line

    def relay(self) -> Relay:
        from nbfaas.agent.state_line import Relay

        return Relay(self._receiver)

    def begin(self, call: int) -> None:
        """The invocation ``call`` begins."""
        if self._line is not None:
            self._line.begin(call)

    def end(self) -> None:
        """It has ended: nothing more is asked about state."""
        if self._line is not None:
            self._line.end()

    def redacted(self, problem: dict[str, Any]) -> dict[str, Any]:
        """A failure without the secrets' values."""
        if self._redactor is None:
            return problem
        found: dict[str, Any] = self._redactor.of_data(problem)
        return found

    def tells(self, parts: Sequence[Part]) -> bool:
        """Whether a value is in the ``parts`` of a failure."""
        return self._redactor is not None and self._redactor.finds_in(parts)
