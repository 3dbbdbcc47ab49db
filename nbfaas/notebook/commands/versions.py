"""``%faas versions NAME``."""

from __future__ import annotations

import argparse

from nbfaas.notebook.report import Report, Table
from nbfaas.remote.deploy import open_catalog
from nbfaas.remote.deployments import (
    MOVE_HEADINGS,
    VERSION_HEADINGS,
    difference,
    move_rows,
    version_rows,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="what the function is deployed as")
    parser.add_argument("--source", metavar="VERSION", help="show a version's source")
    parser.add_argument("--diff", nargs=2, metavar="VERSION", help="show what differs between two")
    parser.add_argument("--moves", action="store_true", help="show what became of the aliases")


def run(given: argparse.Namespace) -> Report:
    catalog, name = open_catalog(), given.name
    if given.source is not None:
        return Report(catalog.version(name, given.source).manifest.source.rstrip())
    if given.diff is not None:
        first, second = (catalog.version(name, each) for each in given.diff)
        return Report(difference(first, second) or "They do not differ.")
    if given.moves:
        return Report(Table(f"Aliases of {name}", MOVE_HEADINGS, move_rows(catalog.moves(name))))
    return Report(Table(f"Versions of {name}", VERSION_HEADINGS, version_rows(catalog, name)))
