"""``%faas triggers``."""

from __future__ import annotations

import argparse

from nbfaas.errors import MagicError
from nbfaas.notebook.report import Report, Table
from nbfaas.notebook.up_to_date import ready_service
from nbfaas.remote.triggers import TriggerHandle, oldest_age, triggers
from nbfaas.service import Place

_ACTIONS = {"pause": "paused", "resume": "resumed", "remove": "removed", "show": ""}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        metavar="ACTION",
        nargs="?",
        choices=list(_ACTIONS),
        help="pause, resume, remove or show; without it, all triggers are listed",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="the trigger's name")


def run(given: argparse.Namespace) -> Report:
    service = ready_service()
    if given.action is None:
        return Report(_listing(service))
    if given.name is None:
        raise MagicError(f"%faas triggers {given.action}: give the trigger's name")
    trigger = triggers[given.name]
    if given.action == "show":
        return _details(trigger, service)
    getattr(trigger, given.action)()
    return Report(f"{given.name} is {_ACTIONS[given.action]}.")


def _listing(service: Place) -> Table:
    rows = [
        (
            trigger.name,
            trigger.kind,
            trigger.shown,
            trigger.target,
            str(trigger.state),
            str(trigger.waiting),
            oldest_age(service, trigger.name),
            trigger.problem or "",
        )
        for trigger in triggers
    ]
    known = {row[0] for row in rows}
    for name, count in sorted(service.events.store.waiting.items()):
        if count and name not in known:
            missing = "defined in an earlier session; run its cell to have them delivered"
            rows.append((name, "–", "", "", "missing", str(count), oldest_age(service, name),
                         missing))  # fmt: skip
    headings = ("TRIGGER", "KIND", "WAITS FOR", "TARGET", "STATE", "WAITING", "OLDEST", "PROBLEM")
    empty = "none yet; decorate a function with @on.event(…), @on.schedule(…), @on.file(…), …"
    return Table("Triggers", headings, rows, empty)


def _details(trigger: TriggerHandle, service: Place) -> Report:
    policy = trigger.policy
    facts = [
        ("kind", trigger.kind),
        ("waits for", trigger.shown),
        ("leads to", trigger.target),
        ("state", str(trigger.state)),
        ("problem", trigger.problem or "none"),
        ("waiting", f"{trigger.waiting:,}"),
        ("oldest", oldest_age(service, trigger.name)),
        ("attempts", f"{policy.max_attempts}, for {policy.max_age:g} s at most"),
        (
            "delay before the next",
            f"up to {policy.initial_delay:g} s, times {policy.backoff_coefficient:g} each time, "
            f"{policy.max_delay:g} s at most",
        ),
    ]
    if trigger.kind == "schedule":
        runs = ", ".join(f"{run:%Y-%m-%d %H:%M:%S %Z}" for run in trigger.next_runs())
        facts.append(("next runs", runs))
    return Report(Table(f"Trigger {trigger.name}", ("", ""), facts))
