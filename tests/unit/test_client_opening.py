"""What a server tells of a call's end, as the notebook opens it."""

from __future__ import annotations

import pickle

import pytest

from nbfaas.client.opening import open_end
from nbfaas.dispatch.invocation import Invocation
from nbfaas.errors import UntrustedResult
from nbfaas.errors.serve import ServerError
from nbfaas.model.failures import ErrorTold
from nbfaas.model.function import FunctionOptions, FunctionVersion
from nbfaas.model.invocation import InvocationState
from nbfaas.model.session import Settled

CALL = Invocation("a-1", FunctionVersion.make("f", b"", FunctionOptions()), [], queued_at=0.0)


def ended(state: InvocationState = InvocationState.FAILED, **given: object) -> Settled:
    return Settled("a-1", "v", state, 1, (), **given)  # type: ignore[arg-type]


class Trap:
    def __reduce__(self):
        return exec, ("raise SystemExit",)


def test_a_forged_result_is_not_unpickled():
    trap = ended(InvocationState.SUCCEEDED, result=(pickle.dumps(Trap()),))
    value, error = open_end(CALL, trap)
    assert value is None
    assert isinstance(error, UntrustedResult)


def test_forged_arguments_of_an_exception_are_not_unpickled():
    failure = {"kind": "exception", "type": "ValueError", "module": "builtins", "message": "m"}
    _, error = open_end(CALL, ended(failure=failure, arguments=(pickle.dumps((Trap(),)),)))
    assert isinstance(error, Exception)


@pytest.mark.parametrize(
    "end",
    [
        ended(InvocationState.SUCCEEDED, result=()),
        ended(failure={"kind": {}}),
        ended(failure={"kind": "exception", "type": b"bytes"}),
        ended(error=ErrorTold("FunctionTimeout", "late", {"add_note": 1}), notes=("a",)),
        ended(),
    ],
)
def test_a_call_ends_whatever_is_told_of_it(end):
    value, error = open_end(CALL, end)
    assert value is None
    assert isinstance(error, Exception)
    assert str(error)


def test_what_makes_no_sense_is_told_with_the_call():
    _, error = open_end(CALL, ended(InvocationState.SUCCEEDED, result=()))
    assert isinstance(error, ServerError)
    assert "the call a-1 of 'f' makes no sense" in str(error)
