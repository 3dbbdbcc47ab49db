"""``%faas triggers``."""

from __future__ import annotations

import argparse
from collections import Counter

from nbfaas.errors import MagicError
from nbfaas.model.delivery import DeliveryState
from nbfaas.notebook.report import Report, Table
from nbfaas.notebook.up_to_date import ready_service
from nbfaas.remote.triggers import TriggerHandle, oldest_age, triggers
from nbfaas.service import Place

_LOOKED_AT = 100  # of the latest events, for their types
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
    parser.add_argument(
        "--forget", action="store_true", help="with remove: forget what waits for it, too"
    )


def run(given: argparse.Namespace) -> Report:
    service = ready_service()
    if given.action is None:
        return Report(_listing(service))
    if given.name is None:
        raise MagicError(f"%faas triggers {given.action}: give the trigger's name")
    if given.forget and given.action != "remove":
        raise MagicError("--forget goes with %faas triggers remove NAME")
    waiting = service.events.store.waiting.get(given.name, 0)
    if waiting and given.name not in triggers and given.action in ("show", "remove"):
        if given.action == "show":
            return _details_of_missing(given.name, waiting, service)
        if not given.forget:
            raise MagicError(
                f"{given.name} is not defined here, but {_events(waiting, 'wait')} for it. Run the "
                "cell that defines it, to have them delivered, or forget them for ever: %faas "
                f"triggers remove {given.name} --forget"
            )
        return Report(f"{_events(triggers.forget(given.name), 'are')} forgotten.")
    trigger = triggers[given.name]
    if given.action == "show":
        return _details(trigger, service)
    getattr(trigger, given.action)()
    done = f"{given.name} is {_ACTIONS[given.action]}."
    if waiting and given.forget:
        done += f" {_events(triggers.forget(given.name), 'are')} forgotten."
    elif waiting and given.action == "remove":
        done += (
            f" {_events(waiting, 'wait')} for a trigger of this name; %faas triggers remove "
            f"{given.name} --forget forgets them."
        )
    return Report(done)


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
            missing = f"not defined here; run its cell, or %faas triggers remove {name} --forget"
            rows.append((name, "–", "", "", "missing", str(count), oldest_age(service, name),
                         missing))  # fmt: skip
    headings = ("TRIGGER", "KIND", "WAITS FOR", "TARGET", "STATE", "WAITING", "OLDEST", "PROBLEM")
    empty = "none yet; decorate a function with @on.event(…), @on.schedule(…), @on.file(…), …"
    return Table("Triggers", headings, rows, empty)


def _events(count: int, verb: str) -> str:
    """``1 event waits``, ``3 events wait``; ``are`` becomes ``is``."""
    if count == 1:
        return f"1 event {'is' if verb == 'are' else verb + 's'}"
    return f"{count:,} events {verb}"


def _details_of_missing(name: str, waiting: int, service: Place) -> Report:
    kinds = Counter(
        str(kept.event.get("type"))
        for kept in service.events.store.history(name, _LOOKED_AT)
        for delivery in kept.deliveries
        if delivery.trigger == name and delivery.state is DeliveryState.WAITING
    )
    listed = ", ".join(f"{kind} ({count:,})" for kind, count in kinds.most_common(5))
    facts = [
        ("state", "missing: no cell of this kernel has defined it"),
        ("waiting", f"{waiting:,}"),
        ("oldest", oldest_age(service, name)),
        ("types", listed or "–"),
        ("to have them delivered", "run the cell that defines it"),
        ("to forget them", f"%faas triggers remove {name} --forget"),
    ]
    return Report(
        Table(f"Trigger {name}", ("", ""), facts),
        f"%faas events --trigger {name} lists the events.",
    )


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
