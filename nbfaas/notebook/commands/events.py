"""``%faas events``."""

from __future__ import annotations

import argparse
import json
import time

from nbfaas.agent.units import format_seconds
from nbfaas.delivery.entry import KeptDelivery, KeptEvent
from nbfaas.errors import MagicError
from nbfaas.notebook.report import Report, Table
from nbfaas.notebook.up_to_date import ready_service
from nbfaas.service import Place

_SHORT = 36  # characters of an id in the list


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", nargs="?", help="show this event in full")
    parser.add_argument("--trigger", metavar="NAME", help="those delivered because of one trigger")
    parser.add_argument("-n", metavar="N", type=int, default=20, help="how many to list (20)")


def run(given: argparse.Namespace) -> Report:
    service = ready_service()
    if given.id is not None:
        return _details(service, given.id)
    events = service.events.store.history(given.trigger, max(0, given.n))
    now = time.time()
    headings = ("EVENT", "TYPE", "SOURCE", "AGE", "DELIVERED TO")
    empty = "none yet; nbfaas.emit(type, data) puts one on the bus"
    return Report(Table("Latest events", headings, [_row(each, now) for each in events], empty))


def _row(kept: KeptEvent, now: float) -> tuple[str, ...]:
    short = kept.id if len(kept.id) <= _SHORT else kept.id[: _SHORT - 1] + "…"
    return (
        short,
        str(kept.event.get("type")),
        kept.source,
        format_seconds(max(0.0, now - kept.accepted_at)),
        "; ".join(map(_delivery, kept.deliveries)) or "nobody: no pattern matched",
    )


def _delivery(kept: KeptDelivery) -> str:
    text = f"{kept.trigger}: {kept.state}"
    return text if kept.attempt < 2 else f"{text}, attempt {kept.attempt}"


def _details(service: Place, event_id: str) -> Report:
    store = service.events.store
    found = [each for each in store.history(limit=10_000) if each.id.startswith(event_id)]
    if not found:
        raise MagicError(f"no event has an id that begins with {event_id!r}; %faas events lists")
    kept = found[0]
    rows = [
        (
            delivery.trigger,
            delivery.target,
            str(delivery.state),
            str(attempt.attempt) if attempt is not None else "–",
            attempt.state if attempt is not None else "–",
            "–" if attempt is None else (attempt.invocation or "–"),
            "" if attempt is None else (attempt.error or ""),
        )
        for delivery in kept.deliveries
        for attempt in (delivery.attempts or (None,))
    ]
    headings = ("TRIGGER", "TARGET", "DELIVERY", "ATTEMPT", "STATE", "INVOCATION", "ERROR")
    return Report(
        json.dumps(dict(kept.event), indent=2, ensure_ascii=False),
        Table("Deliveries", headings, rows, "none: no pattern matched"),
    )
