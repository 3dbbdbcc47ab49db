"""From what came back, or did not, to the error that the caller sees."""

from __future__ import annotations

import json
from typing import Any

from nbfaas import errors
from nbfaas.agent import wire
from nbfaas.agent.buffers import views
from nbfaas.agent.units import format_bytes
from nbfaas.agent.wire import Frame
from nbfaas.backends.base import Death, DeathKind
from nbfaas.dispatch.invocation import Invocation
from nbfaas.errors.invocation import BindingError
from nbfaas.model.function import Entry, FunctionVersion
from nbfaas.model.image import ImageSpec
from nbfaas.packager.trust import rebuild_exception


def read_failure(
    frame: Frame, function: FunctionVersion, sandbox: str
) -> tuple[dict[str, Any], BaseException]:
    """The JSON of a FAILURE frame, and the exception it stands for. Raises ``WireError``, and
    nothing else, if no sense can be made of it."""
    try:
        failure = json.loads(frame.control[wire.STATS.size :])
    except (ValueError, RecursionError) as error:
        raise wire.WireError(f"a FAILURE whose control is no JSON: {error}") from None
    if not isinstance(failure, dict):
        raise wire.WireError("a FAILURE whose control is no JSON object")
    try:
        return failure, _error(failure, frame, function, sandbox)
    except Exception as error:
        raise wire.WireError(f"a FAILURE that makes no sense: {error!r}") from error


def failure_of(
    invocation: Invocation, frame: Frame, sandbox: str
) -> tuple[dict[str, Any], BaseException]:
    """As ``read_failure``, for one invocation; of a raw one the parts are left unread."""
    invocation.result_parts = frame.parts
    known = frame._replace(parts=()) if invocation.raw else frame
    return read_failure(known, invocation.function, sandbox)


def _error(
    failure: dict[str, Any], frame: Frame, function: FunctionVersion, sandbox: str
) -> BaseException:
    """The exception for what the agent reported. Fields are the sandbox's word, so none is trusted
    to be there or to be of its type."""
    name = function.name
    kind = failure.get("kind")
    if kind == "unpicklable_result":
        return errors.ResultNotPicklable(name, str(failure.get("path")), str(failure.get("reason")))
    if kind == "result_too_large":
        return errors.ResultTooLarge(
            name, _integer(failure.get("size")), _integer(failure.get("limit"))
        )
    if kind == "missing_module":
        return missing_package(function, str(failure.get("module")))
    if kind == "load":
        return errors.LoadFailed(
            name, str(failure.get("message") or "an error"), str(failure.get("text") or "")
        )
    if kind == "binding":
        return BindingError(name, str(failure.get("parameter")), str(failure.get("problem")))
    if kind == "exit":
        return errors.FunctionExited(name, failure.get("code"))
    if kind == "crashed":
        if failure.get("oom"):
            return _out_of_memory(function, sandbox)
        signal_name = failure.get("signal")
        if signal_name == "SIGKILL":
            return errors.SandboxLost(name, sandbox, "its process was killed by SIGKILL")
        return errors.SandboxCrashed(
            name,
            sandbox,
            exit_code=None if signal_name else _integer(failure.get("exit_code")),
            signal_name=str(signal_name) if signal_name else None,
        )
    parts = views(frame.parts)
    trust = function.options.trust
    return rebuild_exception(failure, parts, function=name, trust=trust, sandbox=sandbox)


def error_from_death(death: Death, function: FunctionVersion, sandbox: str) -> Exception:
    """The exception for a sandbox that is gone."""
    name = function.name
    if death.kind is DeathKind.OOM:
        return _out_of_memory(function, sandbox)
    if death.kind is DeathKind.EXITED:
        return errors.SandboxCrashed(name, sandbox, exit_code=death.exit_code)
    if death.kind is DeathKind.SIGNALLED:
        return errors.SandboxCrashed(name, sandbox, signal_name=death.signal_name)
    return errors.SandboxLost(name, sandbox, death.detail)


def timed_out(function: FunctionVersion) -> errors.FunctionTimeout:
    timeout = function.options.timeout or 0.0
    fix = f"%%faas --timeout {2 * timeout:g}" if function.is_cell else None
    return errors.FunctionTimeout(function.name, timeout, fix)


def _out_of_memory(function: FunctionVersion, sandbox: str) -> errors.OutOfMemory:
    limit = function.options.resources.memory
    more = format_bytes(2 * limit).replace(" ", "")
    fix = f"%%faas --memory {more}" if function.is_cell else None
    return errors.OutOfMemory(function.name, sandbox, limit, fix)


def missing_package(function: FunctionVersion, module: str) -> errors.MissingPackage:
    """``module`` can't be imported in the function's image."""
    from nbfaas.images.image import Image
    from nbfaas.images.runtimes import runtime_with
    from nbfaas.packager.modules import distribution_for

    image = function.options.image
    package = distribution_for(module)
    return errors.MissingPackage(
        function.name,
        module,
        str(image),
        package,
        repr(Image(image)),
        runtime_with(package) if image == ImageSpec() else None,
        function.is_cell or function.entry is Entry.HANDLER,
    )


def _integer(value: object) -> int:
    return value if isinstance(value, int) else 0
