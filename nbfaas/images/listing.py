"""The images that nbfaas has built, as the rows of a table."""

from __future__ import annotations

import time
from collections.abc import Sequence

from nbfaas.agent.units import format_bytes, format_seconds
from nbfaas.images.built import ImageInfo
from nbfaas.images.runtimes import runtimes

HEADINGS = ("RUNTIME", "PYTHON", "PACKAGES", "SIZE", "AGE", "REFERENCE", "")


def rows(found: Sequence[ImageInfo]) -> list[tuple[str, ...]]:
    """A row for each image, and one for each runtime that has none yet."""
    built = {image.runtime for image in found}
    missing = [(name, "", "", "", "", "", "not built") for name in runtimes() if name not in built]
    return [*map(_row, found), *missing]


def _row(image: ImageInfo) -> tuple[str, ...]:
    return (
        image.runtime,
        image.python,
        str(image.packages),
        format_bytes(image.size),
        format_seconds(max(1.0, time.time() - image.created)),
        image.reference,
        "" if image.current else "has the agent of another version",
    )
