"""What a function's image is made of, as data; ``nbfaas.images`` turns it into a real image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DEFAULT_RUNTIME = "python"


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """A base and what is added to it, in order.

    ``kind`` says how ``name`` is meant: the name of a runtime under ``kernel_images/``, or a Docker
    reference such as ``python:3.11-slim``; or, for a deployed function, the id of its image, which
    has the agent and all packages already.
    """

    kind: Literal["runtime", "reference", "function"] = "runtime"
    name: str = DEFAULT_RUNTIME
    pip: tuple[str, ...] = ()
    python_sources: tuple[str, ...] = ()  # absolute paths of modules or package folders
    env: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        more = [*self.pip, *(path.rpartition("/")[2] for path in self.python_sources)]
        return self.name + "".join(f" + {item}" for item in more)
