"""The same container by `docker run`: what starting it costs without nbfaas."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbfaas.model.function import Resources
from nbfaas.model.image import ImageSpec

if TYPE_CHECKING:
    from nbfaas.service import Service


DEFAULT = Resources()


@dataclass(frozen=True)
class Runtime:
    """An image that is present, and its interpreter."""

    image: str
    interpreter: str

    @classmethod
    def ensured(cls, service: Service, spec: ImageSpec | None = None) -> Runtime:
        backend: Any = service.backend
        built = service.run(backend._ensure(spec or ImageSpec()))
        return cls(built.reference, built.interpreter)

    def flags(self, limits: Resources = DEFAULT) -> list[str]:
        """The flags of `docker run` that nbfaas's sandboxes have, and that cost time."""
        return [
            "--network=none",
            "--read-only",
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
            "--init",
            f"--memory={limits.memory}",
            f"--memory-swap={limits.memory}",
            f"--cpus={limits.cpu:g}",
            f"--pids-limit={limits.pids}",
            f"--tmpfs=/tmp:rw,exec,nosuid,nodev,mode=1777,size={limits.scratch}",
            "--ulimit=nofile=1024:1024",
            "--ulimit=core=0:0",
            "--env=PYTHONDONTWRITEBYTECODE=1",
            f"--entrypoint={self.interpreter}",
        ]

    def command(self, code: str, more: list[str] | None = None) -> list[str]:
        return ["docker", "run", "--rm", *self.flags(), *(more or []), self.image, "-c", code]

    def run(self) -> float:
        """Seconds of a `docker run` that does nothing, until it has returned."""
        started = time.perf_counter()
        subprocess.run(self.command("pass"), check=True, capture_output=True)
        return time.perf_counter() - started
