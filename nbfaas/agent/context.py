"""What a handler learns of its invocation: ``handler(event, context)``."""

from __future__ import annotations

import logging
import time


class Context:
    """The invocation that is running. Attributes are read-only by convention."""

    def __init__(self, load: dict[str, object], invoke: dict[str, object]) -> None:
        self.function_name = str(load.get("function", ""))
        self.function_version = str(load.get("version", ""))
        self.memory_limit = int(load.get("memory") or 0)  # type: ignore[call-overload]
        """Bytes."""
        self.invocation_id = str(invoke.get("id", ""))
        self.attempt = int(invoke.get("attempt", 1))  # type: ignore[call-overload]
        """1 for the first try."""
        self.cold_start = bool(invoke.get("cold_start", False))
        self.timeout: float | None = invoke.get("timeout")  # type: ignore[assignment]
        self.deadline = None if self.timeout is None else time.time() + self.timeout
        """Seconds since the epoch; None without a timeout."""
        self.logger = logging.getLogger(self.function_name or "nbfaas")

    def remaining_time(self) -> float | None:
        """Seconds until the timeout kills this sandbox; None without a timeout."""
        return None if self.deadline is None else max(0.0, self.deadline - time.time())

    def __repr__(self) -> str:
        return (
            f"<Context {self.function_name}@{self.function_version} "
            f"invocation {self.invocation_id} attempt {self.attempt}>"
        )
