"""What a server has told of an invocation's end, opened here, as the dispatcher does: results come
from sandboxes, so only what is trusted is unpickled."""

from __future__ import annotations

import json
from typing import Any

from nbfaas.agent import wire
from nbfaas.agent.wire import Bytes, Frame, Kind
from nbfaas.dispatch.invocation import Invocation
from nbfaas.dispatch.outcome import read_failure
from nbfaas.errors import CancelledError
from nbfaas.errors.serve import ServerError
from nbfaas.model.failures import told
from nbfaas.model.invocation import InvocationState
from nbfaas.model.session import Settled
from nbfaas.packager.trust import load_result

_STATS = bytes(wire.STATS.size)


def is_large(end: Settled) -> bool:
    """Whether opening it would hold up the loop."""
    return sum(map(len, end.result or ())) > 256 * 1024


def open_end(invocation: Invocation, end: Settled) -> tuple[Any, BaseException | None]:
    """The value, or what the invocation ended with instead. Never raises, whatever was told."""
    try:
        return _opened(invocation, end)
    except Exception as error:  # noqa: BLE001 - else the call would never end
        name, reason = invocation.function.name, f"{type(error).__name__}: {error}"
        told_badly = f"what the server tells of the call {invocation.id} of {name!r} makes no sense"
        return None, ServerError(f"{told_badly} ({reason}). Is it of another version of nbfaas?")


def _opened(invocation: Invocation, end: Settled) -> tuple[Any, BaseException | None]:
    function = invocation.function
    if end.state is InvocationState.CANCELLED:
        name = function.name
        return None, CancelledError(f"the call {invocation.id} of {name!r} was cancelled")
    if end.result is not None:
        # Arrays of the result are the user's, to be written to.
        parts: list[Bytes] = [end.result[0], *map(bytearray, end.result[1:])]
        try:
            trust = function.options.trust
            return load_result(parts, function=function.name, trust=trust), None
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the invocation's outcome
            return None, error.with_traceback(None)
    return None, _error(invocation, end)


def _error(invocation: Invocation, end: Settled) -> BaseException:
    error = None if end.error is None else told(end.error)
    if error is None or (end.failure or {}).get("kind") in ("exception", "exit"):
        sandbox = (end.attempts[-1].sandbox if end.attempts else None) or ""
        control = _STATS + json.dumps(end.failure or {}).encode()
        frame = Frame(Kind.FAILURE, 0, 0, control, end.arguments)
        try:
            error = read_failure(frame, invocation.function, sandbox)[1]
        except wire.WireError as unreadable:
            error = unreadable
    for note in end.notes:
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)
    return error
