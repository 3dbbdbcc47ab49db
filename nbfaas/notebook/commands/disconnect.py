"""``%faas disconnect``."""

from __future__ import annotations

import argparse

from nbfaas.client.connecting import connections
from nbfaas.errors import MagicError
from nbfaas.notebook.report import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(given: argparse.Namespace) -> Report:
    there = connections()
    if not there:
        raise MagicError("this notebook is not connected to a server; %faas connect URL does that.")
    url = there[-1].url
    there[-1].close()
    if len(there) == 1:
        return Report(f"Disconnected from {url}. Functions run here again.")
    before = there[-2].url
    return Report(
        f"Disconnected from {url}. This notebook had connected to {before} before, and works there "
        "again; %faas disconnect once more ends that as well."
    )
