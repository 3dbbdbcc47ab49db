"""What is wrong with the journal."""

from __future__ import annotations

from nbfaas.errors.base import NbfaasError


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
