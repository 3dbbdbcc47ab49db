"""``%faas dashboard``."""

from __future__ import annotations

import argparse

from nbfaas.notebook.widgets.dashboard import Dashboard
from nbfaas.service import get_service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(given: argparse.Namespace) -> Dashboard:
    get_service()  # in the background; what is wrong with the backend, the dashboard shows
    return Dashboard()
