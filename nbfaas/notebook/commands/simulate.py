"""``%faas simulate``."""

from __future__ import annotations

import argparse

from nbfaas.notebook.widgets.simulator import Simulator, simulate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        help="a function, whose type hints make the form, or a trigger; without it, the bus",
    )


def run(given: argparse.Namespace) -> Simulator:
    return simulate(given.name)
