"""The runtimes that come with nbfaas: the folders of ``kernel_images/``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Runtime:
    """A folder with a ``Dockerfile``, a ``requirements.txt`` and a ``verify.py``, and, if wanted, a
    ``preload.txt``."""

    name: str
    folder: Path

    @property
    def requirements(self) -> tuple[str, ...]:
        """The lines of ``requirements.txt``, without comments."""
        return read_requirements(self.folder / "requirements.txt")

    @property
    def preload(self) -> tuple[str, ...]:
        """Modules that sandboxes import while they wait for a function."""
        path = self.folder / "preload.txt"
        return read_requirements(path) if path.is_file() else ()


def runtimes_folder() -> Path:
    """``kernel_images``: inside the package where it is installed, beside it in a checkout."""
    here = Path(__file__).parent
    installed = here / "kernel_images"
    return installed if installed.is_dir() else here.parents[1] / "kernel_images"


def runtimes() -> dict[str, Runtime]:
    """All runtimes by name, in alphabetical order."""
    folder = runtimes_folder()
    if not folder.is_dir():
        return {}
    found = sorted(path for path in folder.iterdir() if (path / "requirements.txt").is_file())
    return {path.name: Runtime(path.name, path) for path in found}


def runtime_with(package: str) -> str | None:
    """The name of a runtime that has the package, as pip calls it; None: there is none."""
    return next(
        (name for name, runtime in runtimes().items() if package in runtime.requirements), None
    )


def read_requirements(path: Path) -> tuple[str, ...]:
    """The requirements in a file, one a line; comments and empty lines are left out."""
    lines = (line.split(" #")[0].strip() for line in path.read_text("utf-8").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))
