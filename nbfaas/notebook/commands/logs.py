"""``%faas logs``."""

from __future__ import annotations

import argparse

from nbfaas.errors import MagicError, UnknownInvocation
from nbfaas.notebook.report import Report
from nbfaas.notebook.up_to_date import journal_up_to_date, ready_service
from nbfaas.remote.call import FunctionCall
from nbfaas.remote.decorator import functions
from nbfaas.service.place import Journaled

_ITEMS = 1000  # of a map


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", metavar="NAME|ID", help="a function's name, or the id of an invocation or a map"
    )
    parser.add_argument("-n", metavar="N", type=int, default=200, help="the last N lines (200)")


def run(given: argparse.Namespace) -> Report:
    text = _find(given.what)
    lines = text.splitlines()
    kept = lines[max(0, len(lines) - max(0, given.n)) :] if given.n > 0 else []
    if len(kept) < len(lines):
        kept.insert(0, f"[… {len(lines) - len(kept)} lines before: -n shows more …]")
    return Report("\n".join(kept) or "(it has written nothing)")


def _find(what: str) -> str:
    journal = journal_up_to_date(ready_service())
    try:
        return FunctionCall.from_id(what).logs
    except UnknownInvocation:
        if journal is None:
            raise
    if items := journal.latest(_ITEMS, run_id=what):
        return "".join(
            f"[{item.index}] {line}\n"
            for item in reversed(items)
            for line in _log(journal, item.id).splitlines()
        )
    if latest := journal.latest(1, function=what):
        return FunctionCall.from_id(latest[0].id).logs
    if what in functions:
        return ""
    raise MagicError(
        f"there is no invocation, map or function {what!r} in this session or in the journal. "
        "%faas status lists the latest."
    )


def _log(journal: Journaled, invocation_id: str) -> str:
    return journal.log(invocation_id).decode("utf-8", "replace")
