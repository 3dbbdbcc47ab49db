"""``%faas images``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nbfaas.errors.serve import NotOnServer
from nbfaas.images.listing import HEADINGS, rows
from nbfaas.notebook.report import Report, Table
from nbfaas.service import current_service
from nbfaas.settings import config

if TYPE_CHECKING:
    from nbfaas.images.built import ImageInfo


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(given: argparse.Namespace) -> Report:
    from nbfaas.images.connect import connected

    place = current_service()
    if place is not None and place.server is not None:
        raise NotOnServer("%faas images", place.server, "There, nbfaas images ls lists them.")
    with connected(config) as images:
        return report(images.list())


def report(found: Sequence[ImageInfo]) -> Report:
    table = Table("Images", HEADINGS, rows(found))
    if all(image.current for image in found):
        return Report(table)
    return Report(
        table, "Those with the agent of another version go with: nbfaas images rm --outdated"
    )
