"""``%faas versions NAME``."""

from __future__ import annotations

import argparse

from nbfaas.notebook.place import on_server
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
    name = given.name
    if given.source is not None:
        source = on_server("source", name=name, version=given.source)
        if source is None:
            source = open_catalog().version(name, given.source).manifest.source
        return Report(source.rstrip())
    if given.diff is not None:
        first, second = given.diff
        text = on_server("difference", name=name, first=first, second=second)
        if text is None:
            text = difference(*(open_catalog().version(name, each) for each in given.diff))
        return Report(text or "They do not differ.")
    if given.moves:
        rows = on_server("moves", name=name)
        if rows is None:
            rows = move_rows(open_catalog().moves(name))
        return Report(Table(f"Aliases of {name}", MOVE_HEADINGS, rows))
    rows = on_server("versions", name=name)
    if rows is None:
        rows = version_rows(open_catalog(), name)
    return Report(Table(f"Versions of {name}", VERSION_HEADINGS, rows))
