"""What is wrong with the JSON log."""

from __future__ import annotations

from nbfaas.errors.base import NbfaasError


class JsonLogUnavailable(NbfaasError):
    """The JSON log can't be written; calls go on without it."""

    def __init__(self, destination: str, reason: str) -> None:
        super().__init__(
            f"the JSON log {destination} can't be written: {reason}. Calls work without it. Free "
            "the disk, or give a path that this user may write to: nbfaas.config.json_log."
        )
        self.destination = destination
        self.reason = reason
