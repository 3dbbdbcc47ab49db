"""The state of functions on a server, as a notebook that works there asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbfaas.agent.state import Reply, StateUnavailable
from nbfaas.client.questions import Questions
from nbfaas.errors.serve import ServerError


class StateThere:
    """The ``StateAccess`` of one function."""

    def __init__(self, questions: Questions, function: str) -> None:
        self._questions = questions
        self._function = function

    def __repr__(self) -> str:
        return f"<StateThere of {self._function!r}, {self._questions!r}>"

    def ask(self, request: dict[str, Any], values: Sequence[bytes] = ()) -> Reply:
        given = (self._function, request, [bytes(each) for each in values])
        try:
            return self._questions.tell("state", given, tuple[dict[str, Any], list[bytes]])
        except ServerError as error:  # it may have been done all the same
            raise StateUnavailable(str(error)) from None
