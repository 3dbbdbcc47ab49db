"""One invocation, told in full: what it was given, what became of it, its attempts and its log.

Everything is made when it is asked for, and bounded; nothing is kept for it while a map runs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from nbfaas.agent import codec, wire
from nbfaas.agent.units import format_bytes
from nbfaas.dispatch.invocation import Invocation
from nbfaas.errors import ResultUnreadable
from nbfaas.model.invocation import AttemptStats, InvocationState
from nbfaas.packager.traceback_text import RemoteTracebackData
from nbfaas.pictures.file_names import with_cells
from nbfaas.pictures.short_repr import short_repr
from nbfaas.remote.cell_value import result_of

# Bytes; larger arguments are not unpickled only to be shown.
_LARGEST_INPUT = 8 * 1024 * 1024
_LOG = 20_000  # characters, the last ones
_TRACEBACK = 20_000  # characters


@dataclass(frozen=True, slots=True)
class Details:
    """``input`` and ``result`` are short reprs; ``result`` is empty unless it succeeded.
    ``log_cut``: how many characters of the log's beginning were left out. ``for_seconds`` is the
    time since it was queued, while it has not ended. All text is foreign: escape it."""

    id: str
    index: int | None
    function: str
    version: str
    state: InvocationState
    input: str
    result: str
    attempts: tuple[AttemptStats, ...]
    log: str
    log_cut: int
    error: str  # "ValueError: …", or empty
    traceback: str
    queued_at: float


def details(
    invocation: Invocation, *, given: str | None = None, with_log: bool = True, limit: int = 400
) -> Details:
    """``limit``: characters of each repr; ``given``: the input's, if it is known already. From any
    thread."""
    state = invocation.state
    log = invocation.log_bytes().decode("utf-8", "replace") if with_log else ""
    error = invocation.error if state.is_final else None
    succeeded = state is InvocationState.SUCCEEDED and error is None
    return Details(
        id=invocation.id,
        index=invocation.index,
        function=invocation.function.name,
        version=invocation.function.version,
        state=state,
        input=input_repr(invocation, limit) if given is None else given,
        result=_result_repr(invocation, limit) if succeeded else "",
        attempts=invocation.attempts,
        log=log[-_LOG:],
        log_cut=max(0, len(log) - _LOG),
        error="" if error is None else error_line(error),
        traceback="" if error is None else traceback_of(error)[-_TRACEBACK:],
        queued_at=invocation.queued_at,
    )


def _result_repr(invocation: Invocation, limit: int) -> str:
    try:
        return short_repr(result_of(invocation), limit)
    except ResultUnreadable as error:  # a cell's sandbox may say anything
        return f"({error.reason})"


def input_repr(invocation: Invocation, limit: int = 400) -> str:
    """The arguments as they would be written in a call: ``3, depth=2``."""
    if not invocation.parts:
        return "(not kept: the call is from another session)"
    size = wire.total(invocation.parts)
    if size > _LARGEST_INPUT:
        return f"({format_bytes(size)} of arguments)"
    try:
        if invocation.event is not None:
            data: Any = json.loads(bytes(invocation.parts[0]))  # type: ignore[arg-type]
            return short_repr(data, limit)
        args, kwargs = codec.load(invocation.parts)
    except Exception as error:  # noqa: BLE001 - unpickling the user's own may raise anything
        return f"(can't be shown: {type(error).__name__})"
    shown = [short_repr(each, limit) for each in args[:8]]
    shown += [f"{name}={short_repr(each, limit)}" for name, each in list(kwargs.items())[:8]]
    shown += ["…"] if len(args) > 8 or len(kwargs) > 8 else []
    text = ", ".join(shown)
    return text if len(text) <= 2 * limit else text[: 2 * limit - 1] + "…"


def error_line(error: BaseException, limit: int = 1000) -> str:
    """``ValueError: …``; of a ``RemoteError`` what it stands for."""
    name, message = type(error).__name__, str(error)
    stands_for = getattr(error, "type_name", None)
    if isinstance(stands_for, str) and stands_for:
        name, message = stands_for, message.removeprefix(stands_for).lstrip(": ")
    text = f"{name}: {message}" if message else name
    return text if len(text) <= limit else text[: limit - 1] + "…"


def traceback_of(error: BaseException) -> str:
    """The traceback of the sandbox, or nothing."""
    data = getattr(error, "remote_traceback", None)
    if isinstance(data, RemoteTracebackData):
        return with_cells(data.text)
    text = getattr(error, "traceback_text", "")
    return with_cells(text) if isinstance(text, str) else ""
