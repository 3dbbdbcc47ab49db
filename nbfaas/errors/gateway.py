"""What is wrong with the gateway, and what an HTTP caller is told."""

from __future__ import annotations

from nbfaas.errors.base import NbfaasError


class GatewayError(NbfaasError):
    """The gateway can't be had, or a request can't be answered as asked."""


class GatewayUnavailable(GatewayError):
    """The gateway can't listen at its address."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"the gateway can't listen at {host}:{port}: {reason}. Choose another port, or 0 for "
            "any that is free."
        )
        self.host = host
        self.port = port


class NoCapacity(GatewayError):
    """A request waited for its whole deadline, and its function was not started: nothing ran."""

    def __init__(self, trigger: str, deadline: float, retry_after: float = 1.0) -> None:
        super().__init__(
            f"nothing was free to run {trigger!r} within its deadline of {deadline:g} s; it was "
            f"not started. Try again in {retry_after:.0f} s, raise max_containers=, or use "
            "respond='async'."
        )
        self.trigger = trigger
        self.deadline = deadline
        self.retry_after = retry_after


class DeadlinePassed(GatewayError, TimeoutError):
    """A request's function was still running at the request's deadline, and was cancelled."""

    def __init__(self, trigger: str, deadline: float) -> None:
        super().__init__(
            f"{trigger!r} had not ended at its deadline of {deadline:g} s, and was cancelled. "
            "Allow more with deadline=, or respond='async'."
        )
        self.trigger = trigger
        self.deadline = deadline


class BadHttpResponse(GatewayError):
    """What a function returned says that it is an HTTP response, and makes none."""

    def __init__(self, trigger: str, problem: str) -> None:
        super().__init__(
            f"{trigger!r} returned something that makes no HTTP response: {problem}. A response is "
            "a dict with statusCode, and perhaps headers, body and isBase64Encoded; anything else "
            "is sent as it is."
        )
        self.trigger = trigger
        self.problem = problem
