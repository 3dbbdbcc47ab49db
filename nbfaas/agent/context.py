"""What a function learns of its invocation: ``handler(event, context)``."""

from __future__ import annotations

import functools
import logging
import time
from typing import Any, NoReturn, Protocol

from nbfaas.agent.event import Event
from nbfaas.agent.function_logger import function_logger
from nbfaas.agent.secrets import Secrets
from nbfaas.agent.state import State, StateAccess
from nbfaas.agent.traceparent import traceparent_of

_NO_LIMIT_MS = 2**31 - 1


class Provided(Protocol):
    """What a function is provided with besides its arguments."""

    def secrets(self) -> Secrets: ...
    def state(self) -> StateAccess: ...


class Context:
    """The invocation that is running. Attributes are read-only by convention.

    It also answers to the names that AWS Lambda's context has, so that a handler written for that
    runs here. It stays in its sandbox: it can't be pickled.
    """

    def __init__(
        self,
        load: dict[str, Any],
        invoke: dict[str, Any],
        event: Event | None = None,
        provided: Provided | None = None,
    ) -> None:
        self._provided = provided
        self.function_name = str(load.get("function", ""))
        self.function_version = str(load.get("version", ""))
        self.memory_limit = int(load.get("memory") or 0)
        """Bytes."""
        self.invocation_id = str(invoke.get("id", ""))
        self.attempt = int(invoke.get("attempt", 1))
        """1 for the first try; of an event, for the first time that it is delivered."""
        self.cold_start = bool(invoke.get("cold_start", False))
        """Whether this sandbox was started for this invocation."""
        self.trigger: str | None = invoke.get("trigger")
        """The name of the trigger that led the event here; None for a plain call."""
        # The event's W3C trace context, to be handed on; None for a plain call.
        self.traceparent: str | None = invoke.get("traceparent")
        if self.traceparent is None and event is not None:
            self.traceparent = traceparent_of(event)
        self.timeout: float | None = invoke.get("timeout")
        """Seconds that this attempt may take; None: as long as it wants."""
        ends = [] if self.timeout is None else [time.time() + self.timeout]
        if (given := invoke.get("deadline")) is not None:
            ends.append(float(given))
        self.deadline: float | None = min(ends, default=None)
        """Seconds since the epoch, after which nobody waits any more; None: there is none."""

    def remaining_time(self) -> float | None:
        """Seconds until the deadline, at least 0; None without one."""
        return None if self.deadline is None else max(0.0, self.deadline - time.time())

    @functools.cached_property
    def secrets(self) -> Secrets:
        """The values that ``secrets=`` has named, by name."""
        return Secrets({}) if self._provided is None else self._provided.secrets()

    @functools.cached_property
    def state(self) -> State:
        """Values by key that outlive this call, shared by all calls of the function."""
        if self._provided is None:
            raise RuntimeError("this Context was made by hand, and has no state")
        return State(self.function_name, self._provided.state())

    @functools.cached_property
    def logger(self) -> logging.Logger:
        """Writes to the output of the invocation, from INFO on: ``INFO score: text``."""
        return function_logger(self.function_name or "nbfaas")

    # -- the names of AWS Lambda

    @property
    def aws_request_id(self) -> str:
        return self.invocation_id

    @property
    def memory_limit_in_mb(self) -> int:
        return self.memory_limit // (1024 * 1024)

    @property
    def invoked_function_arn(self) -> str:
        """A URN; there are no ARNs outside of AWS."""
        return f"nbfaas:function:{self.function_name}:{self.function_version}"

    @property
    def log_group_name(self) -> str:
        return f"nbfaas/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        return f"{self.function_version}/{self.invocation_id}"

    client_context = None
    identity = None

    def get_remaining_time_in_millis(self) -> int:
        """Without a deadline 24 days, for who calculates with it."""
        remaining = self.remaining_time()
        return _NO_LIMIT_MS if remaining is None else min(_NO_LIMIT_MS, int(remaining * 1000))

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Context stays in its sandbox; return what you need of it, as context.invocation_id"
        )

    def __repr__(self) -> str:
        trigger = f" by {self.trigger!r}" if self.trigger else ""
        return (
            f"<Context {self.function_name}@{self.function_version} "
            f"invocation {self.invocation_id} attempt {self.attempt}{trigger}>"
        )
