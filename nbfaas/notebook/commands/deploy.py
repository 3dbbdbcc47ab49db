"""``%faas deploy NAME``."""

from __future__ import annotations

import argparse
import sys

from nbfaas.agent.units import format_seconds
from nbfaas.errors import UnknownFunction
from nbfaas.errors.serve import NotOnServer
from nbfaas.notebook.report import Report, Table
from nbfaas.remote.decorator import functions
from nbfaas.remote.deploy import Deployed, deploy
from nbfaas.remote.distribution import check_registry, push
from nbfaas.service import current_service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("function", metavar="NAME", help="the function's name in this notebook")
    parser.add_argument("--name", metavar="NAME", help="what it is deployed as; its own, if not")
    parser.add_argument("--alias", help="an alias that is led to the version, such as dev or prod")
    parser.add_argument("--push", action="store_true", help="push it to the registry as well")


def run(given: argparse.Namespace) -> Report:
    function = functions.get(given.function)
    if function is None:
        raise UnknownFunction(given.function, sorted(functions))
    place = current_service()
    if given.push:  # before anything is deployed
        if place is not None and place.server is not None:
            fix = "Deploy it without, and push it from where the server runs: nbfaas push NAME."
            raise NotOnServer("%faas deploy --push", place.server, fix)
        check_registry()
    deployed = deploy(function, given.name, alias=given.alias)
    table = _table(deployed)
    if not given.push:
        return Report(table, deployed.served) if deployed.served else Report(table)
    pushed = push(f"{deployed.name}:{deployed.version}", _say)
    return Report(table, f"In the registry: {pushed.pin.reference}")


def _table(deployed: Deployed) -> Table:
    stages = ", ".join(f"{name} {format_seconds(took)}" for name, took in deployed.stages.items())
    state = "deployed" if deployed.built else "unchanged, deployed already"
    facts = [
        ("version", f"{deployed.version} ({state})"),
        ("alias", deployed.alias or "none"),
        *([("server", deployed.server)] if deployed.server else []),
        ("image", deployed.image),
        ("digest", deployed.digest),
        ("content hash", deployed.content_hash),
        ("took", f"{format_seconds(deployed.seconds)}: {stages}"),
        ("run it", f"nbfaas.deployed({deployed.name!r}, {deployed.alias or deployed.version!r})"),
    ]
    return Table(f"Deployed {deployed.name}", ("", ""), facts)


def _say(progress: object) -> None:
    print(f"nbfaas: {progress}", file=sys.stderr)
