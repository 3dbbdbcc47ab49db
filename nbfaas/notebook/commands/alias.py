"""``%faas alias NAME ALIAS VERSION``."""

from __future__ import annotations

import argparse

from nbfaas.errors import MagicError
from nbfaas.notebook.report import Report
from nbfaas.remote.deploy import open_catalog
from nbfaas.service import current_service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="what the function is deployed as")
    parser.add_argument("alias", metavar="ALIAS", help="such as dev or prod")
    parser.add_argument(
        "version", metavar="VERSION", nargs="?", help="where it leads; as before, if only a canary"
    )
    parser.add_argument("--canary", metavar="VERSION", help="a second version, with a share")
    parser.add_argument("--percent", type=float, metavar="SHARE", help="the second version's share")


def run(given: argparse.Namespace) -> Report:
    if (given.canary is None) != (given.percent is None):
        raise MagicError("%faas alias: --canary VERSION and --percent SHARE go together.")
    if given.version is None and given.canary is None:
        raise MagicError("%faas alias: give the VERSION that it shall lead to, or a --canary.")
    weight = None if given.percent is None else given.percent / 100
    asked = given.name, given.alias, given.version, given.canary, weight
    place = current_service()
    if place is not None and place.there is not None:
        leads, served = place.there.catalog.set_alias(*asked)
        return Report(f"{leads}. {served}")
    return Report(str(open_catalog().set_alias(*asked)))
