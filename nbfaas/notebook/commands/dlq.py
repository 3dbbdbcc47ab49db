"""``%faas dlq``: the dead-letter queue."""

from __future__ import annotations

import argparse
import json
import time

from nbfaas.agent.units import format_seconds
from nbfaas.errors import MagicError
from nbfaas.model.delivery import DeadLetter, DeliveryAttempt
from nbfaas.notebook.report import Report, Table
from nbfaas.notebook.up_to_date import ready_service
from nbfaas.remote.dead_letters import dead_letters

_ACTIONS = ("list", "show", "redrive", "purge")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        metavar="ACTION",
        nargs="?",
        default="list",
        choices=_ACTIONS,
        help="list (the default), show, redrive (deliver again) or purge (forget)",
    )
    parser.add_argument("numbers", metavar="N", nargs="*", type=int, help="numbers of dead letters")
    parser.add_argument("--trigger", metavar="NAME", help="those of one trigger")
    parser.add_argument("--all", action="store_true", help="redrive or purge all of them")
    parser.add_argument("-n", metavar="N", type=int, default=20, help="how many to list (20)")


def run(given: argparse.Namespace) -> Report:
    ready_service()
    if given.action == "list":
        return Report(_listing(given.trigger, given.n))
    if given.action == "show":
        if not given.numbers:
            raise MagicError("%faas dlq show: give the number of a dead letter, as the list has it")
        return Report(*(part for number in given.numbers for part in _details(number)))
    if not (given.numbers or given.trigger or given.all):
        raise MagicError(
            f"%faas dlq {given.action}: which ones? Give numbers, --trigger NAME, or --all"
        )
    act = dead_letters.redrive if given.action == "redrive" else dead_letters.purge
    count = act(*given.numbers, trigger=given.trigger)
    letters = "1 dead letter" if count == 1 else f"{count:,} dead letters"
    if given.action == "redrive":
        return Report(f"{letters} will be delivered again.")
    return Report(f"{letters} {'is' if count == 1 else 'are'} forgotten.")


def _listing(trigger: str | None, most: int) -> Table:
    rows = [
        (
            str(letter.number),
            letter.trigger,
            str(letter.event.get("type")),
            _shortened(str(letter.event.get("id"))),
            format_seconds(max(0.0, time.time() - letter.died_at)) + " ago",
            str(len(letter.attempts)),
            letter.reason,
            _last_error(letter),
        )
        for letter in dead_letters.list(trigger, max(0, most))
    ]
    headings = ("N", "TRIGGER", "TYPE", "EVENT", "DIED", "ATTEMPTS", "REASON", "LAST ERROR")
    return Table("Dead letters", headings, rows)


def _details(number: int) -> list[str | Table]:
    letter = dead_letters[number]
    rows = [
        (
            str(attempt.attempt),
            attempt.state,
            time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(attempt.began_at)),
            _took(attempt),
            attempt.invocation or "–",
            attempt.error or "",
        )
        for attempt in letter.attempts
    ]
    headings = ("ATTEMPT", "STATE", "BEGAN", "TOOK", "INVOCATION", "ERROR")
    return [
        f"Dead letter {number} of {letter.trigger}, for {letter.target}: {letter.reason}.",
        Table("Attempts", headings, rows),
        json.dumps(dict(letter.event), indent=2, ensure_ascii=False),
    ]


def _took(attempt: DeliveryAttempt) -> str:
    if attempt.wall is not None:
        return format_seconds(attempt.wall)
    return "–" if attempt.ended_at is None else format_seconds(attempt.ended_at - attempt.began_at)


def _last_error(letter: DeadLetter) -> str:
    errors = [attempt.error for attempt in letter.attempts if attempt.error]
    return _shortened(errors[-1], 100) if errors else ""


def _shortened(text: str, most: int = 40) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
