"""``%faas export NAME FOLDER``."""

from __future__ import annotations

import argparse

from nbfaas.notebook.report import Report, Table
from nbfaas.pipeline.exporting import export


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reference", metavar="NAME[:VERSION|:ALIAS]", help="a deployed function")
    parser.add_argument("folder", metavar="FOLDER", help="where to; other files stay as they are")
    parser.add_argument(
        "--events", type=int, default=0, metavar="N", help="also its N latest events: real data"
    )
    parser.add_argument(
        "--event", action="append", default=[], metavar="NAME", help="this saved event; repeatable"
    )


def run(given: argparse.Namespace) -> Report:
    written = export(given.reference, given.folder, events=given.events, names=given.event)
    facts = [
        ("folder", str(written.folder)),
        ("version", f"{written.version}, content hash {written.version.content_hash[:12]}"),
        ("saved events", ", ".join(written.saved) or "none"),
        ("real events", ", ".join(written.real) or "none"),
        ("test it", f"nbfaas test {written.folder}"),
        ("deploy it", f"nbfaas deploy {written.folder} --alias dev"),
    ]
    return Report(Table(f"Exported {written.version}", ("", ""), facts))
