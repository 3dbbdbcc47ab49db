"""``%faas metrics``."""

from __future__ import annotations

import argparse
import time
from typing import Any

from nbfaas.agent.units import format_seconds
from nbfaas.notebook.report import Report, Table
from nbfaas.notebook.up_to_date import ready_service, records_up_to_date

_OF_FUNCTIONS = (
    *("FUNCTION", "SUCCEEDED", "ERRORS", "TIMEOUTS", "CANCELLED", "PENDING"),
    *("RETRIES", "COLD STARTS", "P50", "P95", "P99"),
)
_OF_TRIGGERS = ("TRIGGER", "EVENTS", "WAITING", "OLDEST", "DONE", "RETRIES", "DEAD LETTERS")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(given: argparse.Namespace) -> Report:
    service = ready_service()
    begins = not service.counts
    metrics = service.metrics
    records_up_to_date(service)
    found = metrics.snapshot()
    if begins:
        since = "Counting begins now; %faas status has the calls that were made before."
    else:
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(found["since"]))
        since = f"Counted since {at}. P50, P95, P99: how long the function ran, estimated."
    parts: list[str | Table] = [
        Table("Functions", _OF_FUNCTIONS, [_function(each) for each in found["functions"]]),
    ]
    if found["triggers"]:
        rows = [_trigger(each) for each in found["triggers"]]
        parts.append(Table("Triggers", _OF_TRIGGERS, rows))
        parts.append(_events(found["events"]))
    return Report(*parts, since)


def _function(each: dict[str, Any]) -> tuple[str, ...]:
    counted = ("succeeded", "errors", "timeouts", "cancelled", "pending", "retries", "cold_starts")
    return (
        each["name"],
        *(str(each[name]) for name in counted),
        *("–" if took is None else format_seconds(took) for took in each["duration"].values()),
    )


def _trigger(each: dict[str, Any]) -> tuple[str, ...]:
    return (
        each["name"],
        str(each["matched"]),
        str(each["waiting"]),
        format_seconds(each["oldest_age"]) if each["oldest_age"] else "–",
        str(each["done"]),
        str(each["retries"]),
        str(each["dead"]),
    )


def _events(events: dict[str, Any]) -> str:
    refused = ", ".join(f"{n} refused ({reason})" for reason, n in events["refused"].items())
    return (
        f"Events: {events['accepted']} accepted ({events['unmatched']} for nobody), "
        f"{events['duplicate']} duplicates, {refused or 'none refused'}."
    )
