"""Reports of runs."""

from __future__ import annotations

from nbfaas.errors.base import NbfaasError


class ReportNotWritten(NbfaasError, OSError):
    """``run.report(path)`` could not write its file; what was there before still is."""

    def __init__(self, run_id: str, path: str, error: OSError) -> None:
        reason = error.strerror or str(error)
        super().__init__(
            f"the report of the map {run_id} could not be written to {path!r}: {reason}. Give a "
            "path in a folder that exists and that you may write to."
        )
        self.path = path
