"""``%faas rules``."""

from __future__ import annotations

import argparse

from nbfaas.errors import MagicError
from nbfaas.notebook.widgets.rule_tester import RuleTester, rule_tester
from nbfaas.remote.triggers import triggers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "trigger", metavar="TRIGGER", nargs="?", help="the trigger whose pattern to begin with"
    )
    parser.add_argument("--event", metavar="NAME", help="the saved event to try it on")


def run(given: argparse.Namespace) -> RuleTester:
    if given.trigger is None:
        return rule_tester(event=given.event)
    trigger = triggers[given.trigger]
    if trigger.pattern is None:
        raise MagicError(
            f"%faas rules: the trigger {given.trigger} has no pattern: it waits for {trigger.shown}"
        )
    return rule_tester(trigger, given.event)
