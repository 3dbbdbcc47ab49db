"""Every error a user can meet. Each builds its own message: what happened, to what, what to do.

::

    NbfaasError
    ├── OptionError (ValueError)            an option that makes no sense: memory="lots"
    ├── ConfigurationError                  a setting or an environment variable that makes no sense
    ├── PackagingError                      the function or its arguments can't be shipped
    │   ├── NotPicklable
    │   ├── PayloadTooLarge
    │   ├── PythonMismatch                  the image has another Python minor version
    │   ├── MissingPackage                  the image lacks a package that the function needs
    │   └── LoadFailed                      the function's code raised while it was loaded
    ├── ImageError
    │   ├── ImageNotFound
    │   ├── ImageBuildFailed
    │   └── VolumeError                     a volume that can't be mounted as asked
    ├── BackendError
    │   ├── BackendUnavailable              no Docker daemon answers
    │   ├── InsufficientResources           a function asks for more than this machine has
    │   └── SandboxStartFailed
    ├── InvocationError                     what a call can end with, besides its own error
    │   ├── RemoteError                     the function raised a type that is unknown here
    │   ├── FunctionTimeout (TimeoutError)
    │   ├── FunctionExited                  the function called sys.exit
    │   ├── ResultNotPicklable
    │   ├── ResultTooLarge
    │   ├── UntrustedResult                 the result holds a type this host does not unpickle
    │   ├── ResultUnreadable                the result's bytes make no value here
    │   └── SandboxLost                     the sandbox was killed, froze or broke the protocol
    │       ├── OutOfMemory (MemoryError)
    │       └── SandboxCrashed              a segfault, os._exit, abort
    ├── MagicError                          %faas or %%faas was written in a way that makes no sense
    │   ├── CellError                       the cell can't be run in a sandbox as it is
    │   └── NamesNotPulled                  --pull asked for names that did not come back
    ├── UnknownInvocation (KeyError)        no invocation has this id
    ├── NotDone (TimeoutError)              a call has not ended in the time given to result()
    ├── NotRepeatable                       a call of an earlier session: its arguments are not kept
    ├── ResultNotKept                       the result was not kept in the journal
    ├── WouldWaitForItself                  a callback of a call waits for another call
    └── JournalError
        ├── JournalUnavailable              the folder can't be written, the disk is full, …
        ├── JournalLocked                   another process holds the journal
        └── JournalDamaged

A cancelled call raises ``concurrent.futures.CancelledError``, as every Future does.
"""

from __future__ import annotations

import concurrent.futures

from nbfaas.agent.units import format_bytes

CancelledError = concurrent.futures.CancelledError


class NbfaasError(Exception):
    """Anything that nbfaas itself raises."""


class OptionError(NbfaasError, ValueError):
    """An option of a function has a value that makes no sense."""

    def __init__(self, option: str, value: object, wanted: str) -> None:
        super().__init__(f"{option}={value!r} is not valid: {wanted}")
        self.option = option
        self.value = value


class ConfigurationError(NbfaasError):
    """A setting has a value that makes no sense, or settings contradict each other."""


class PackagingError(NbfaasError):
    """The function or its arguments can't be shipped."""


class NotPicklable(PackagingError):
    """Something that was to be shipped can't be pickled.

    ``path`` leads to the culprit inside the object, as Python would write it:
    ``score → global 'client' → client.pool``.
    """

    def __init__(self, what: str, path: str, reason: str, fix: str = "") -> None:
        fix = fix or (
            "Create it inside the function, or pass what it is made from (a path, a URL, a key)."
        )
        super().__init__(f"{what} can't be pickled, because of {path}: {reason}. {fix}")
        self.what = what
        self.path = path
        self.reason = reason


class PayloadTooLarge(PackagingError):
    """What was to be shipped exceeds the limit."""

    def __init__(self, what: str, size: int, limit: int) -> None:
        super().__init__(
            f"{what} is {format_bytes(size)} when pickled; the limit is {format_bytes(limit)}. Put "
            "large data on a volume (volumes={'/data': './data'}), or raise the limit with "
            "nbfaas.config.payload_limit."
        )
        self.size = size
        self.limit = limit


class PythonMismatch(PackagingError):
    """The image's Python differs in its minor version from the notebook's."""

    def __init__(self, image: str, image_python: str, host_python: str) -> None:
        super().__init__(
            f"image {image!r} has Python {image_python}, this notebook runs Python {host_python}. "
            "Functions are shipped as bytecode, which differs between minor versions. Use an image "
            f"with Python {host_python} (for example image='python:{host_python}-slim', or leave "
            "image out), or start the notebook with the image's Python."
        )
        self.image_python = image_python
        self.host_python = host_python


class MissingPackage(PackagingError):
    """The function needs a module that its image does not have.

    ``package`` is what pip calls it; ``base`` the image as Python. ``fix`` is an image that has it.
    """

    def __init__(
        self,
        function: str,
        module: str,
        image: str,
        package: str | None = None,
        base: str = "Image.python()",
    ) -> None:
        name = module.partition(".")[0]
        self.fix = f"{base}.pip_install({package or name!r})"
        super().__init__(
            f"function {function!r} needs the module {module!r}, which image {image!r} does not "
            f"have. Add it: @remote(image={self.fix}). If {name!r} is a file or folder of yours: "
            f"{base}.add_local_python_source({name!r})."
        )
        self.function = function
        self.module = module
        self.image = image


class LoadFailed(PackagingError):
    """The function arrived in the sandbox, but its code raised before it could be called."""

    def __init__(self, function: str, cause: str, traceback_text: str = "") -> None:
        super().__init__(
            f"function {function!r} could not be loaded in its sandbox: {cause}. What the "
            "function refers to (globals, modules, classes) must be importable there."
        )
        self.function = function
        self.traceback_text = traceback_text


class ImageError(NbfaasError):
    """An image can't be had."""


class ImageNotFound(ImageError):
    """There is no such runtime, and no such image on this machine or in a registry."""

    def __init__(self, image: str, known: tuple[str, ...] = (), detail: str = "") -> None:
        runtimes = f" Runtimes: {', '.join(known)}." if known else ""
        reason = f" ({detail})" if detail else ""
        super().__init__(
            f"there is no runtime or image {image!r}{reason}.{runtimes} See `nbfaas images ls`; "
            f"fetch a registry's image with `docker pull {image}`."
        )
        self.image = image
        self.detail = detail


class ImageBuildFailed(ImageError):
    """An image could not be built; ``log`` has the end of the build's output."""

    def __init__(self, image: str, step: str, log: str) -> None:
        tail = "\n".join(log.strip().splitlines()[-15:])
        super().__init__(f"image {image!r} could not be built: {step} failed.\n{tail}")
        self.image = image
        self.log = log


class VolumeError(ImageError):
    """A volume can't be mounted as asked."""

    def __init__(self, target: str, reason: str, fix: str) -> None:
        super().__init__(f"the volume at {target!r} can't be mounted: {reason}. {fix}")


class BackendError(NbfaasError):
    """The place where sandboxes live does not do what it should."""


class BackendUnavailable(BackendError):
    """The chosen backend can't be reached."""

    def __init__(self, backend: str, reason: str, fix: str) -> None:
        super().__init__(f"the {backend} backend is not available: {reason}. {fix}")
        self.backend = backend


class InsufficientResources(BackendError):
    """A function asks for more than nbfaas may use on this machine; it could never start."""

    def __init__(self, function: str, asked: str, available: str, setting: str) -> None:
        super().__init__(
            f"function {function!r} asks for {asked}, but nbfaas may use {available} on this "
            f"machine, so it could never start. Ask for less, or raise nbfaas.config.{setting}."
        )


class SandboxStartFailed(BackendError):
    """A sandbox could not be started."""

    def __init__(self, image: str, reason: str, log: str = "") -> None:
        log = f"\nIt wrote:\n{log.strip()}" if log.strip() else ""
        super().__init__(
            f"no sandbox could be started from {image!r}: {reason}. `%faas doctor` checks the "
            f"parts one by one.{log}"
        )


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

    def __init__(self, function: str, timeout: float) -> None:
        super().__init__(
            f"function {function!r} ran longer than its timeout of {timeout:g} s, so its sandbox "
            f"was killed. Allow more time with timeout=, as in "
            f"{function}.with_options(timeout={2 * timeout:g})."
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
            f"function {function!r} returned a {type_name}. Unpickling it here could run code from "
            "the sandbox, so it was not done. Return plain data, NumPy or pandas values or a class "
            f"that this notebook defines; or, if you trust it: @remote(trust=[{module!r}])."
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

    def __init__(self, function: str, sandbox: str, limit: int) -> None:
        InvocationError.__init__(
            self,
            f"function {function!r} used more than its memory limit of {format_bytes(limit)} and "
            f"was killed. Give it more: {function}.with_options(memory="
            f"{format_bytes(2 * limit).replace(' ', '')!r}).",
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


class MagicError(NbfaasError):
    """A magic was written in a way that makes no sense."""


class CellError(MagicError):
    """The cell can't be run in a sandbox as it is."""


class NamesNotPulled(MagicError):
    """``--pull`` asked for names that the cell did not define, or that can't be brought back.

    ``missing`` are the names that the cell did not define, ``refused`` maps others to the reason.
    """

    def __init__(self, missing: tuple[str, ...], refused: dict[str, str]) -> None:
        parts = []
        if missing:
            names = ", ".join(map(repr, missing))
            parts.append(f"the cell ended without defining {names}")
        parts += [f"{name!r} can't be brought back: {reason}" for name, reason in refused.items()]
        super().__init__(
            f"--pull: {'; '.join(parts)}. The cell has run, and the other names were brought back."
        )
        self.missing = missing
        self.refused = refused


class UnknownInvocation(NbfaasError, KeyError):
    """No invocation with this id is known here or in the journal."""

    def __init__(self, invocation_id: str, journal: str) -> None:
        super().__init__(invocation_id)
        self.invocation_id = invocation_id
        self._message = (
            f"there is no invocation {invocation_id!r} in this session or in the journal "
            f"{journal}. `%faas status` lists the latest ones."
        )

    def __str__(self) -> str:  # KeyError would show the repr of the message
        return self._message


class ResultNotKept(NbfaasError):
    """The invocation succeeded earlier, but its result is not in the journal."""

    def __init__(self, invocation_id: str, reason: str) -> None:
        super().__init__(
            f"invocation {invocation_id} succeeded, but its result was not kept: {reason}. Run the "
            "function again, or have it write large results to a volume."
        )


class NotDone(NbfaasError, TimeoutError):
    """A call has not ended in the time that somebody wanted to wait for it."""

    def __init__(self, invocation_id: str, function: str, state: str, timeout: float) -> None:
        super().__init__(
            f"the call {invocation_id} of {function!r} has not ended within {timeout:g} s: it is "
            f"{state}. It goes on: wait for it again with result(), or cancel() it."
        )
        self.invocation_id = invocation_id


class NotRepeatable(NbfaasError):
    """The invocation is known from the journal only, which keeps neither code nor arguments."""

    def __init__(self, invocation_id: str, function: str) -> None:
        super().__init__(
            f"invocation {invocation_id} of {function!r} is from an earlier session; its code and "
            f"arguments are not kept. Call {function}.remote(...) again."
        )


class WouldWaitForItself(NbfaasError):
    """A call is waited for by the thread that has to bring it about."""

    def __init__(self, invocation_id: str) -> None:
        super().__init__(
            f"invocation {invocation_id} can't be waited for here: callbacks of calls "
            "(add_done_callback) run on the thread that handles all calls. Start another call there "
            "with spawn, and wait for it in a thread of your own."
        )


class JournalError(NbfaasError):
    """The journal can't be used."""


class JournalUnavailable(JournalError):
    """The journal can't be written or read; calls go on without it."""

    def __init__(self, path: str, reason: str, fix: str) -> None:
        super().__init__(
            f"the journal {path} can't be used: {reason}. Calls work without it, but are forgotten "
            f"when the kernel restarts. {fix}"
        )
        self.path = path
        self.reason = reason


class JournalLocked(JournalError):
    """Another process holds the journal."""

    def __init__(self, path: str, holder: str) -> None:
        super().__init__(
            f"the journal {path} is in use by {holder}. Stop that process, or give this one a "
            "folder of its own: NBFAAS_DATA_DIR=... ."
        )


class JournalDamaged(JournalError):
    """The journal's file is not readable; it was kept, and a new one was begun."""

    def __init__(self, path: str, kept_as: str, reason: str) -> None:
        super().__init__(
            f"the journal {path} is damaged ({reason}). It was kept as {kept_as}; a new one was "
            "begun, so earlier invocations can't be shown."
        )
        self.kept_as = kept_as
        self.reason = reason
