"""``%faas connect URL``."""

from __future__ import annotations

import argparse

from nbfaas.client.asking import DEFAULT_URL, TOKEN, URL
from nbfaas.client.connecting import connect, connections
from nbfaas.notebook.report import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "url",
        metavar="URL",
        nargs="?",
        help=f"the server's address, such as {DEFAULT_URL}; else that of the variable {URL}. The "
        f"token is that of {TOKEN}, or, for a server of this machine, of the data folder",
    )


def run(given: argparse.Namespace) -> Report:
    there = [each for each in connections()[-1:] if not each.is_over and each.leads_to(given.url)]
    connection = there[0] if there else connect(given.url)
    served = ", ".join(connection.functions) or "no function"
    state = "Connected already" if there else "Connected"
    return Report(
        f"{state} to {connection.url}: functions, cells and commands of this notebook run there "
        f"until %faas disconnect. It serves {served}."
    )
