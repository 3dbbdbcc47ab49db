"""What functions that run here, in the notebook's process, are provided with: the same state and
secrets as in a sandbox. And ``nbfaas.State``, the notebook's own way to a function's state."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbfaas.agent.context import Context
from nbfaas.agent.secrets import Secrets
from nbfaas.agent.state import Reply, StateError, StateRefused
from nbfaas.agent.state import State as FunctionState
from nbfaas.model.function import FunctionOptions
from nbfaas.model.secret import Secret, read_secrets
from nbfaas.pictures.short_repr import short_repr
from nbfaas.service import current_service
from nbfaas.settings import config
from nbfaas.state import BadRequest, StateStore, request_of

_MOST_SHOWN = 10  # keys in a repr
_MOST_TEXT = 80  # characters of a value there


class StateHere:
    """``StateAccess`` without a sandbox: opens the file for each request, so that it may be used
    from any thread, and after a fork."""

    def __init__(self, name: str) -> None:
        self._name = name

    def ask(self, request: dict[str, Any], values: Sequence[bytes] = ()) -> Reply:
        try:
            checked = request_of(request, values)
        except BadRequest as error:
            raise StateRefused(str(error)) from None
        store = StateStore(Path(config.data_dir, "state.db"), config.state_quota)
        try:
            return store.answer(self._name, checked, values)
        finally:
            store.close()


class State(FunctionState):
    """The state of the function ``name``, as its ``context.state`` has it: ``get``, ``set``,
    ``delete``, ``incr``, ``compare_and_set``, ``keys``. While this process works on a server, it
    is the server's."""

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise StateRefused(f"state belongs to a function's name, which {name!r} is not")
        place = current_service()
        there = None if place is None else place.there
        super().__init__(name, StateHere(name) if there is None else there.state(name))

    def __repr__(self) -> str:
        try:
            keys = self.keys()
        except StateError as error:
            return f"<State of {self.name!r}: {error}>"
        lines = [f"  {key} = {self._shown(key)}" for key in keys[:_MOST_SHOWN]]
        if len(keys) > _MOST_SHOWN:
            lines.append(f"  … {len(keys) - _MOST_SHOWN} more")
        return "\n".join([f"<State of {self.name!r}, {len(keys)} keys>", *lines])

    def _shown(self, key: str) -> str:
        try:
            return short_repr(self.get(key), _MOST_TEXT)
        except StateError as error:
            return str(error)


class ProvidedHere:
    """``context.Provided`` of a function that is called here."""

    def __init__(self, name: str, secrets: Sequence[Secret]) -> None:
        self._name = name
        self._secrets = secrets

    def context(self, options: FunctionOptions) -> Context:
        """The context of a plain call."""
        load = {
            "function": self._name,
            "version": "local",
            "memory": options.resources.memory,
        }
        invoke = {"id": f"local-{uuid.uuid4().hex[:8]}", "timeout": options.timeout}
        return Context(load, invoke, None, self)

    def secrets(self) -> Secrets:
        return Secrets(read_secrets(self._secrets, self._name))

    def state(self) -> StateHere:
        return StateHere(self._name)
