"""``%faas functions``."""

from __future__ import annotations

import argparse

from nbfaas.notebook.place import on_server
from nbfaas.notebook.report import Report, Table
from nbfaas.remote.deploy import open_catalog
from nbfaas.remote.deployments import FUNCTION_HEADINGS, function_rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(given: argparse.Namespace) -> Report:
    empty = "none yet; %faas deploy NAME, or function.deploy()"
    rows = on_server("functions")
    if rows is None:
        rows = function_rows(open_catalog())
    return Report(Table("Deployed functions", FUNCTION_HEADINGS, rows, empty))
