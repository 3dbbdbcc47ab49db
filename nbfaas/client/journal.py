"""The journal of a server, as a notebook that works there asks it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from nbfaas.client.questions import Questions
from nbfaas.errors import JournalError, JournalUnavailable
from nbfaas.errors.serve import ServerError
from nbfaas.journal.entry import Counts, JournaledInvocation
from nbfaas.model.invocation import AttemptStats, InvocationState

T = TypeVar("T")


class _About(msgspec.Struct):
    path: str
    written: bool
    notice: str | None


# (As types of their own: a union is none.)
_Abouts: type[_About | None] = _About | None  # type: ignore[assignment]
_Found: type[JournaledInvocation | None] = JournaledInvocation | None  # type: ignore[assignment]


class ServerJournal:
    """What the layers above ask of a ``Journal``. Blocks; raises ``ServerError``."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self.notice: JournalError | None = None

    def __repr__(self) -> str:
        return f"<ServerJournal of {self._questions!r}>"

    @property
    def path(self) -> Path:
        """On the server."""
        return Path(self._about().path)

    @property
    def is_open(self) -> bool:
        try:
            return self._questions.ask("journal", _Abouts) is not None
        except ServerError:
            return False

    def flush(self, timeout: float = 5.0) -> bool:
        """Have all committed that the server has published so far."""
        about = self._about()
        if about.notice is not None:
            self.notice = JournalUnavailable(about.path, about.notice, "It is the server's.")
        return about.written

    def find(self, invocation_id: str) -> JournaledInvocation | None:
        return self._ask("find", _Found, id=invocation_id)

    def latest(
        self,
        limit: int,
        *,
        state: InvocationState | None = None,
        function: str | None = None,
        run_id: str | None = None,
    ) -> list[JournaledInvocation]:
        filters = {"state": state and state.value, "function": function, "run_id": run_id}
        given = {name: value for name, value in filters.items() if value is not None}
        return self._ask("latest", list[JournaledInvocation], limit=limit, **given)

    def attempts(self, invocation_id: str) -> tuple[AttemptStats, ...]:
        return self._ask("attempts", tuple[AttemptStats, ...], id=invocation_id)

    def log(self, invocation_id: str) -> bytes:
        return self._ask("log", bytes, id=invocation_id)

    def counts(self) -> Counts:
        return self._ask("counts", Counts)

    def _ask(self, what: str, kind: type[T], **query: Any) -> T:
        return self._questions.ask(f"journal/{what}", kind, **query)

    def _about(self) -> _About:
        found = self._questions.ask("journal", _Abouts)
        if found is None:
            raise JournalUnavailable("the server's", "it has none", "Its log says why.")
        return found
