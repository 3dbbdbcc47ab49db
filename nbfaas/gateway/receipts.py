"""What the sender of events is told."""

from __future__ import annotations

from typing import Any

from nbfaas.agent.event import Event
from nbfaas.errors.base import NbfaasError
from nbfaas.gateway.port import EventReceipt
from nbfaas.gateway.problems import problem_of
from nbfaas.gateway.reply import Reply, json_reply, problem


def receipt_of(receipt: EventReceipt) -> dict[str, Any]:
    return {
        "id": receipt.event.id,
        "source": receipt.event.source,
        "duplicate": receipt.duplicate,
        "matched": list(receipt.triggers),
    }


def batch_reply(events: list[Event], outcomes: list[EventReceipt | BaseException]) -> Reply:
    """202 only if all were accepted: who looks at nothing but the status must not take a refused
    event for an accepted one. To send the whole batch again does no harm."""
    rows: list[dict[str, Any]] = []
    worst: Reply | None = None
    for event, outcome in zip(events, outcomes, strict=True):
        if not isinstance(outcome, BaseException):
            rows.append({"status": 202, **receipt_of(outcome)})
            continue
        if not isinstance(outcome, NbfaasError):
            raise outcome
        told = problem_of(outcome)
        detail = str(outcome)
        rows.append(
            {"status": told.status, "id": event.id, "source": event.source, "detail": detail}
        )
        if worst is None or told.status > worst.status:
            worst = told
    if worst is None:
        return json_reply(202, {"events": rows})
    refused = sum(row["status"] != 202 for row in rows)
    detail = f"{refused} of {len(rows)} events were not accepted; 'events' says which, and why"
    headers = tuple(pair for pair in worst.headers if pair[0] == b"retry-after")
    return problem(worst.status, detail, headers=headers, events=rows)
