"""``%faas images``."""

from __future__ import annotations

import argparse

from nbfaas.images.listing import HEADINGS, rows
from nbfaas.notebook.report import Report, Table
from nbfaas.settings import config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(given: argparse.Namespace) -> Report:
    from nbfaas.images.connect import connected

    with connected(config) as images:
        return Report(Table("Images", HEADINGS, rows(images.list())))
