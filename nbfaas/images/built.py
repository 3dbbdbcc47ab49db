"""Images that exist, as data."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from nbfaas.agent.units import format_bytes
from nbfaas.images.engine import LABEL


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image that sandboxes can be started from: ``interpreter /opt/nbfaas/nbfaas_agent.py``.

    ``interpreter`` is an absolute path in the image, ``runtime`` what users call the image,
    ``python`` its minor version ("3.11"). ``packages`` are those that nbfaas installed, ``volumes``
    the paths at which the image wants volumes.
    """

    reference: str
    image_id: str
    python: str
    interpreter: str
    runtime: str
    size: int  # bytes, all layers
    packages: dict[str, str] = field(hash=False)
    volumes: tuple[str, ...] = ()

    @classmethod
    def from_inspection(cls, reference: str, found: dict[str, Any]) -> BuiltImage:
        labels = found["Config"]["Labels"]
        return cls(
            reference=reference,
            image_id=found["Id"],
            python=labels[f"{LABEL}python"],
            interpreter=labels[f"{LABEL}interpreter"],
            runtime=labels[f"{LABEL}runtime"],
            size=int(found["Size"]),
            packages=json.loads(labels[f"{LABEL}packages"]),
            volumes=tuple(found["Config"].get("Volumes") or ()),
        )

    def __repr__(self) -> str:
        return (
            f"<BuiltImage {self.runtime}: {self.reference}, Python {self.python}, "
            f"{format_bytes(self.size)}>"
        )


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """A line of ``nbfaas images ls``. ``created`` in seconds since the epoch; ``current``: has the
    agent of this version of nbfaas."""

    reference: str
    runtime: str
    python: str
    size: int
    created: float
    packages: int
    current: bool

    @classmethod
    def from_summary(cls, reference: str, found: dict[str, Any], agent: str) -> ImageInfo:
        labels = found["Labels"]
        return cls(
            reference=reference,
            runtime=labels[f"{LABEL}runtime"],
            python=labels[f"{LABEL}python"],
            size=int(found["Size"]),
            created=float(found["Created"]),
            packages=len(json.loads(labels[f"{LABEL}packages"])),
            current=labels[f"{LABEL}agent"] == agent,
        )
