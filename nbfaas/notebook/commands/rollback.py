"""``%faas rollback NAME ALIAS``."""

from __future__ import annotations

import argparse

from nbfaas.notebook.report import Report
from nbfaas.remote.deploy import open_catalog
from nbfaas.service import current_service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="what the function is deployed as")
    parser.add_argument("alias", metavar="ALIAS", help="such as dev or prod")


def run(given: argparse.Namespace) -> Report:
    place = current_service()
    if place is not None and place.there is not None:
        leads, served = place.there.catalog.rollback(given.name, given.alias)
        return Report(f"{leads}. {served}")
    return Report(str(open_catalog().rollback(given.name, given.alias)))
