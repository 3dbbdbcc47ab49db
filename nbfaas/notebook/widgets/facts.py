"""``Details`` of an invocation as the browser is told them: JSON, texts as they are."""

from __future__ import annotations

from typing import Any

from nbfaas.model.invocation import AttemptStats
from nbfaas.pictures.states import name_of
from nbfaas.remote.details import Details


def facts(details: Details) -> dict[str, Any]:
    """Text is not escaped here: the browser's side makes text nodes of it (``static/dom.js``)."""
    return {
        "id": details.id,
        "index": details.index,
        "function": details.function,
        "state": name_of(details.state),
        "final": details.state.is_final,
        "input": details.input,
        "result": details.result,
        "error": details.error,
        "traceback": details.traceback,
        "log": details.log,
        "log_cut": details.log_cut,
        "attempts": [_attempt(stats) for stats in details.attempts],
    }


def _attempt(stats: AttemptStats) -> dict[str, Any]:
    return {
        "number": stats.attempt,
        "state": name_of(stats.state),
        "sandbox": stats.sandbox or "",
        "queued": stats.queued,
        "cold": stats.cold_start,
        "transfer": stats.overhead,
        "run": stats.wall,
        "cpu": stats.user + stats.system,
        "memory": stats.peak_memory,
        "error": stats.error or "",
    }
