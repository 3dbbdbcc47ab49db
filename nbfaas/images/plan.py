"""What an image will consist of, worked out before anything is built: tag, labels, steps."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from nbfaas.images.agent_layer import HOME, SCRIPT
from nbfaas.images.base import HOST_PYTHON
from nbfaas.images.engine import LABEL
from nbfaas.images.probe import Probe
from nbfaas.model.image import ImageSpec

_RECIPE = "1"  # changes when the same inputs would make another image
SITE, ADDED, SOURCE = f"{HOME}/site", f"{HOME}/added", f"{HOME}/source"


@dataclass(frozen=True, slots=True)
class Plan:
    """``base`` is the base image's identity, ``requirements`` the runtime's, ``sources`` the hash
    of the local Python sources ("" if there are none), ``agent`` the agent's. ``preload`` are
    modules that the agent imports before it is given a function."""

    spec: ImageSpec
    base: str
    requirements: tuple[str, ...]
    sources: str
    agent: str
    preload: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        """``nbfaas/python:3.11-0123456789ab``: equal for equal content, and only then."""
        spec = self.spec
        added = spec.pip or spec.python_sources or spec.env or spec.kind == "reference"
        name = "custom" if added else spec.name
        parts = (
            _RECIPE,
            self.base,
            self.requirements,
            self.sources,
            self.agent,
            self.preload,
            spec.pip,
            spec.env,
        )
        # Two names for one content are two images only in what they are called.
        digest = hashlib.sha256(repr((*parts, str(spec))).encode()).hexdigest()[:12]
        return f"nbfaas/{name}:{HOST_PYTHON}-{digest}"

    @property
    def steps(self) -> int:
        """How many steps the build has at most: base, packages, added packages, sources, agent."""
        return 2 + sum(map(bool, (self.requirements, self.spec.pip, self.sources)))

    def entrypoint(self, probe: Probe) -> list[str]:
        return [probe.interpreter, SCRIPT]

    def labels(self, probe: Probe, packages: dict[str, str]) -> dict[str, str]:
        """The labels of the finished image: OCI's, and nbfaas's own."""
        requirements = "\n".join((*self.requirements, *self.spec.pip))
        return {
            "org.opencontainers.image.title": f"nbfaas {self.spec}",
            "org.opencontainers.image.description": "A runtime for functions of a notebook.",
            "org.opencontainers.image.version": f"{HOST_PYTHON}-{self.agent}",
            f"{LABEL}runtime": str(self.spec),
            f"{LABEL}agent": self.agent,
            f"{LABEL}python": probe.python,
            f"{LABEL}interpreter": probe.interpreter,
            f"{LABEL}base": self.base,
            f"{LABEL}requirements": hashlib.sha256(requirements.encode()).hexdigest()[:12],
            f"{LABEL}packages": json.dumps(packages, sort_keys=True),
        }

    def path_file(self, probe: Probe) -> tuple[str, bytes] | None:
        """The ``.pth`` file that makes the added folders importable, before what the image has.

        Unlike PYTHONPATH it is not seen by the function, and other interpreters are not misled.
        """
        folders = [
            folder
            for folder, present in (
                (SOURCE, self.sources),
                (ADDED, self.spec.pip),
                (SITE, self.requirements),
            )
            if present
        ]
        if not folders:
            return None
        text = f"import sys; i = sys.path.index({probe.site!r}); sys.path[i:i] = {folders!r}\n"
        return f"{probe.site}/nbfaas.pth", text.encode()


def layer_key(parent_id: str, kind: str, content: str) -> str:
    """Names a layer by what it is put on and what is in it."""
    return hashlib.sha256(repr((parent_id, kind, content)).encode()).hexdigest()[:24]
