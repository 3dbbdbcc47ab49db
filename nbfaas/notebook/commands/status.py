"""``%faas status``."""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict

from nbfaas.agent.units import format_seconds
from nbfaas.journal import JournaledInvocation
from nbfaas.model.invocation import InvocationState
from nbfaas.notebook.report import Report, Table
from nbfaas.notebook.up_to_date import journal_up_to_date, ready_service
from nbfaas.remote.decorator import functions
from nbfaas.service.place import Journaled

_COUNTED = 10_000  # invocations looked at for the counts
_RUNNING = (InvocationState.RUNNING, InvocationState.RETRYING)
_FAILED = (InvocationState.FAILED, InvocationState.TIMED_OUT)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-n", metavar="N", type=int, default=10, help="how many invocations to list (10)"
    )


def run(given: argparse.Namespace) -> Report:
    service = ready_service()
    journal = journal_up_to_date(service)
    if journal is None:
        return Report(
            _functions({}),
            "The journal can't be used, so invocations can't be listed: %faas doctor",
        )
    ours = [each for each in journal.latest(_COUNTED) if each.id.startswith(f"{service.session}-")]
    latest = journal.latest(max(0, given.n))
    now = time.time()
    return Report(
        _functions(_counts(ours)),
        Table(
            "Latest invocations, of all sessions",
            ("ID", "FUNCTION", "STATE", "AGE", "TOOK", "ATTEMPTS", "ERROR"),
            [_row(each, journal, now) for each in latest],
        ),
    )


def _counts(invocations: list[JournaledInvocation]) -> dict[str, Counter[InvocationState]]:
    counts: dict[str, Counter[InvocationState]] = defaultdict(Counter)
    for each in invocations:
        counts[each.function][each.state] += 1
    return counts


def _functions(counts: dict[str, Counter[InvocationState]]) -> Table:
    rows = []
    for name in sorted({*functions, *counts}):
        number: Counter[InvocationState] = counts.get(name, Counter())
        rows.append(
            (
                name,
                str(number[InvocationState.QUEUED]),
                str(sum(number[state] for state in _RUNNING)),
                str(number[InvocationState.SUCCEEDED]),
                str(sum(number[state] for state in _FAILED)),
                str(number[InvocationState.CANCELLED]),
            )
        )
    headings = ("FUNCTION", "QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED")
    return Table("Functions of this session", headings, rows, "none yet; decorate one with @remote")


def _row(each: JournaledInvocation, journal: Journaled, now: float) -> tuple[str, ...]:
    attempts = [stats for stats in journal.attempts(each.id) if stats.state.is_final]
    return (
        each.id,
        each.function,
        "LOST" if each.lost else str(each.state),
        format_seconds(max(0.0, now - each.queued_at)),
        format_seconds(sum(stats.wall for stats in attempts)) if attempts else "–",
        str(each.attempts),
        (each.error or "")[:80],
    )
