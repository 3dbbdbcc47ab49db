"""Which problem a caller is told for which error."""

from __future__ import annotations

from nbfaas.errors.delivery import EventConflict, EventStoreError, IntakeFull, ResultNotJson
from nbfaas.errors.gateway import BadHttpResponse, DeadlinePassed, NoCapacity
from nbfaas.errors.invocation import BindingError, FunctionTimeout, InvocationError, RemoteError
from nbfaas.errors.places import BackendError
from nbfaas.gateway.reply import Headers, Reply, problem, retry_after

STORE_RETRY = 5.0  # seconds: a full disk or a locked file is seldom gone sooner


def problem_of(error: BaseException) -> Reply:
    """What ``error``, of a call or of the engine, is to the client.

    The client's: 400, 409, 429. Nothing ran, or could: 503. Not in time: 504. The sandbox was lost,
    or its answer can't be used: 502. What the function itself raised: 500, with type and message.
    """
    status, headers = _status(error)
    name, message = _described(error)
    return problem(status, message or name, headers=headers, error=name)


def _status(error: BaseException) -> tuple[int, Headers]:
    if isinstance(error, IntakeFull):
        return 429, (retry_after(error.retry_after),)
    if isinstance(error, BindingError):
        return 400, ()
    if isinstance(error, EventConflict):
        return 409, ()
    if isinstance(error, NoCapacity):
        return 503, (retry_after(error.retry_after),)
    if isinstance(error, EventStoreError | BackendError):
        return 503, (retry_after(STORE_RETRY),)
    if isinstance(error, DeadlinePassed | FunctionTimeout):
        return 504, ()
    if isinstance(error, ResultNotJson | BadHttpResponse | RemoteError):
        return 500, ()
    if isinstance(error, InvocationError):
        return 502, ()
    return 500, ()


def _described(error: BaseException) -> tuple[str, str]:
    if isinstance(error, RemoteError):
        return error.type_name, str(error).removeprefix(f"{error.type_name}: ")
    kind = type(error)
    inside = kind.__module__ in ("builtins", "__main__") or kind.__module__.startswith("nbfaas.")
    name = kind.__qualname__ if inside else f"{kind.__module__}.{kind.__qualname__}"
    return name, str(error)
