"""What a call can end with, besides its function's own error."""

from __future__ import annotations

from nbfaas.agent.units import format_bytes, with_article
from nbfaas.errors.base import NbfaasError


class InvocationError(NbfaasError):
    """An invocation ended without a result, and not by an exception of the function's own."""


class RemoteError(InvocationError):
    """The function raised an exception whose type is not known here.

    ``type_name`` is its full name there, ``traceback_text`` its traceback.
    """

    def __init__(self, type_name: str, message: str, traceback_text: str = "") -> None:
        super().__init__(f"{type_name}: {message}" if message else type_name)
        self.type_name = type_name
        self.traceback_text = traceback_text


class FunctionTimeout(InvocationError, TimeoutError):
    """The function ran longer than its ``timeout``; its sandbox was killed."""

    def __init__(self, function: str, timeout: float, fix: str | None = None) -> None:
        fix = fix or f"timeout=, as in {function}.with_options(timeout={2 * timeout:g})"
        super().__init__(
            f"function {function!r} ran longer than its timeout of {timeout:g} s, so its sandbox "
            f"was killed. Allow more time with {fix}."
        )
        self.timeout = timeout


class FunctionExited(InvocationError):
    """The function called ``sys.exit``."""

    def __init__(self, function: str, code: object) -> None:
        super().__init__(
            f"function {function!r} called sys.exit({code!r}). Return a value or raise an "
            "exception instead."
        )
        self.code = code


class BindingError(InvocationError):
    """An event does not have what a parameter of its function needs; the function was not called.

    ``parameter`` is its name, ``problem`` says what there was instead.
    """

    def __init__(self, function: str, parameter: str, problem: str) -> None:
        parameter, problem = parameter[:200], problem[:4000]
        super().__init__(
            f"function {function!r} can't be called with this event, because of its parameter "
            f"{parameter!r}: {problem}. Give the parameter a default, or send what it needs; a "
            "parameter named event, data or context gets the event, its data, or the context."
        )
        self.parameter = parameter
        self.problem = problem


class ResultNotPicklable(InvocationError):
    """The function returned something that can't be pickled."""

    def __init__(self, function: str, path: str, reason: str) -> None:
        super().__init__(
            f"what function {function!r} returned can't be pickled, because of {path}: {reason}. "
            "Return plain data: numbers, strings, lists, dicts, arrays, frames."
        )
        self.path = path


class ResultTooLarge(InvocationError):
    """The function returned more than the limit."""

    def __init__(self, function: str, size: int, limit: int) -> None:
        super().__init__(
            f"function {function!r} returned {format_bytes(size)}; the limit is "
            f"{format_bytes(limit)}. Write large results to a volume and return the path, or raise "
            "the limit with nbfaas.config.result_limit."
        )
        self.size = size
        self.limit = limit


class UntrustedResult(InvocationError):
    """A result holds a type that is not unpickled on the host, because that could run code here."""

    def __init__(self, function: str, type_name: str) -> None:
        module = type_name.partition(".")[0]
        super().__init__(
            f"function {function!r} returned {with_article(type_name)}. Unpickling it here could "
            "run code from the sandbox, so it was not done. Return plain data, NumPy or pandas "
            "values or a class that this notebook defines; or, if you trust it: "
            f"@remote(trust=[{module!r}])."
        )
        self.type_name = type_name


class ResultUnreadable(InvocationError):
    """The bytes of a result do not make a value here: damaged, forged, or of another library."""

    def __init__(self, function: str, reason: str) -> None:
        super().__init__(
            f"what function {function!r} returned can't be read: {reason}. Return plain data, or "
            "use the same versions of libraries in the function's image and in this notebook."
        )
        self.reason = reason


class SandboxLost(InvocationError):
    """The sandbox in which the function ran is gone: killed, frozen, or not to be understood."""

    def __init__(self, function: str, sandbox: str, reason: str) -> None:
        super().__init__(
            f"the sandbox {sandbox} was lost while function {function!r} ran in it: {reason}. Run "
            "it again with call.rerun(); retries= does so by itself."
        )
        self.sandbox = sandbox
        self.reason = reason


class OutOfMemory(SandboxLost, MemoryError):
    """The function used more memory than its limit; the kernel killed it."""

    def __init__(self, function: str, sandbox: str, limit: int, fix: str | None = None) -> None:
        more = format_bytes(2 * limit).replace(" ", "")
        InvocationError.__init__(
            self,
            f"function {function!r} used more than its memory limit of {format_bytes(limit)} and "
            f"was killed. Give it more: {fix or f'{function}.with_options(memory={more!r})'}.",
        )
        self.sandbox = sandbox
        self.reason = "out of memory"
        self.limit = limit


class SandboxCrashed(SandboxLost):
    """The process that ran the function ended by itself: a segfault, ``os._exit``, an abort."""

    def __init__(
        self,
        function: str,
        sandbox: str,
        *,
        exit_code: int | None = None,
        signal_name: str | None = None,
    ) -> None:
        how = f"by {signal_name}" if signal_name else f"with exit code {exit_code}"
        hint = {
            "SIGSEGV": " A C extension accessed memory it should not have.",
            "SIGABRT": " A C extension gave up.",
        }.get(signal_name or "", "")
        InvocationError.__init__(
            self,
            f"the process that ran function {function!r} ended {how} before it returned.{hint}",
        )
        self.sandbox = sandbox
        self.reason = f"ended {how}"
        self.exit_code = exit_code
        self.signal_name = signal_name
