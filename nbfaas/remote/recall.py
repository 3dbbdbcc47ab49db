"""Calls from the journal: of an earlier session, or of another one that is still at work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbfaas.agent import wire
from nbfaas.agent.buffers import views
from nbfaas.dispatch.invocation import Invocation
from nbfaas.errors import CancelledError, RemoteError, ResultNotKept, SandboxLost, UnknownInvocation
from nbfaas.journal import JournaledInvocation
from nbfaas.model.function import FunctionOptions, FunctionVersion
from nbfaas.model.invocation import AttemptStats, InvocationState
from nbfaas.packager.trust import load_result, rebuild_exception
from nbfaas.remote.call import FunctionCall
from nbfaas.remote.cell_value import is_answer, value_of
from nbfaas.service import Place
from nbfaas.service.place import Journaled

_LOOK_EVERY = 0.2  # seconds between looks at an invocation of another living session


def recall(invocation_id: str, service: Place) -> FunctionCall[Any]:
    """The call as the journal has it. Raises ``UnknownInvocation``.

    A call of another session that still runs settles when the journal says that it has.
    """
    service.dispatcher  # noqa: B018 - the journal is open once the dispatcher is there
    journal = service.journal
    if journal is None:
        raise UnknownInvocation(invocation_id, "(which could not be opened)")
    journal.flush()
    entry = journal.find(invocation_id)
    if entry is None:
        raise UnknownInvocation(invocation_id, str(journal.path))
    version = FunctionVersion(entry.function, entry.version, b"", FunctionOptions())
    invocation = Invocation(
        entry.id, version, (), queued_at=entry.queued_at, run_id=entry.run_id, index=entry.index
    )
    _fill(invocation, entry, journal)
    call: FunctionCall[Any] = FunctionCall(invocation, service)
    if not invocation.settled:
        _follow(call, invocation, journal, service)
    return call


def _fill(invocation: Invocation, entry: JournaledInvocation, journal: Journaled) -> None:
    """Copy what the journal knows. The state comes last: others go by it."""
    invocation.attempts_made = entry.attempts
    ended = (stats for stats in journal.attempts(entry.id) if stats.state.is_final)
    invocation.attempts = tuple(ended)
    invocation.log = [(1, entry.log)] if entry.log else None
    state = entry.state
    if entry.lost:
        state = InvocationState.FAILED
        reason = "its kernel ended before it did"
        invocation.error = SandboxLost(entry.function, "(of an earlier session)", reason)
    elif state is InvocationState.CANCELLED:
        invocation.error = CancelledError(entry.error or "it was cancelled")
    elif state is InvocationState.SUCCEEDED:
        _fill_result(invocation, entry)
    elif state.is_final:
        invocation.error = _error(entry, invocation.attempts)
    invocation.state = state


def _fill_result(invocation: Invocation, entry: JournaledInvocation) -> None:
    if entry.result is None:
        reason = entry.result_note or "it was larger than nbfaas.config.journal_result_limit"
        invocation.error = ResultNotKept(entry.id, reason)
        return
    try:
        parts = views(_parts(entry.result))
        value = load_result(parts, function=entry.function)
        if is_answer(entry.function, value):
            value = value_of(value, ())
        invocation.value = value
    except Exception as error:  # noqa: BLE001 - as for a result that comes from a sandbox
        invocation.error = error


def _parts(blob: bytes) -> Sequence[wire.Part]:
    """The parts of a result: see ``nbfaas.dispatch.settling``."""
    if blob[:1] != bytes([wire.PROTOCOL]):
        return (blob,)
    decoder = wire.Decoder()
    frames: list[wire.Frame] = []
    rest = memoryview(blob)
    while rest:
        room = decoder.get_buffer()
        taken = min(len(room), len(rest))
        room[:taken] = rest[:taken]
        frames += decoder.advance(taken)
        rest = rest[taken:]
    return frames[0].parts


def _error(entry: JournaledInvocation, attempts: Sequence[AttemptStats]) -> BaseException:
    if entry.failure is not None and entry.failure.get("kind") == "exception":
        sandbox = (attempts[-1].sandbox if attempts else None) or ""
        return rebuild_exception(entry.failure, (), function=entry.function, sandbox=sandbox)
    name, _, message = (entry.error or "an unknown error").partition(": ")
    return RemoteError(name, message)


def _follow(
    call: FunctionCall[Any], invocation: Invocation, journal: Journaled, service: Place
) -> None:
    def look() -> None:
        if call.done() or not journal.is_open:
            return
        entry = journal.find(invocation.id)
        if entry is not None and (entry.lost or entry.state.is_final):
            _fill(invocation, entry, journal)
            call._settle(invocation)
        else:
            service.call_later(_LOOK_EVERY, look)

    service.call_later(_LOOK_EVERY, look)
