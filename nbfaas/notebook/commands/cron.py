"""``%faas cron``."""

from __future__ import annotations

import argparse

from nbfaas.notebook.widgets.cron_tester import CronTester, cron_tester


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "fields", metavar="FIELD", nargs="*", help="the five fields: */5 * * * * (every 5 minutes)"
    )
    parser.add_argument("--timezone", metavar="ZONE", default="UTC", help="such as Europe/Berlin")


def run(given: argparse.Namespace) -> CronTester:
    return cron_tester(" ".join(given.fields) or "*/5 * * * *", given.timezone)
