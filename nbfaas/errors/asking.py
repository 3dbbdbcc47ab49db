"""Asking for calls, and waiting for them."""

from __future__ import annotations

from nbfaas.errors.base import NbfaasError, ReadableKeyError


class UnknownInvocation(NbfaasError, ReadableKeyError):
    """No invocation with this id is known here or in the journal."""

    def __init__(self, invocation_id: str, journal: str) -> None:
        super().__init__(
            f"there is no invocation {invocation_id!r} in this session or in the journal "
            f"{journal}. `%faas status` lists the latest ones."
        )
        self.invocation_id = invocation_id


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
    """A call or an event is waited for by the thread that has to bring it about."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} can't be waited for here: callbacks of calls "
            "(add_done_callback) run on the thread that handles all calls and events. Start "
            "another call there with spawn; wait, and emit events, in a thread of your own."
        )


class ServiceClosed(NbfaasError):
    """It belongs to what was closed: by ``%faas stop --all``, or as the kernel ends."""

    def __init__(self) -> None:
        super().__init__(
            "nbfaas was closed meanwhile (%faas stop --all, or the end of the kernel), and what "
            "this belongs to is gone. Define functions and triggers again, then repeat it."
        )
