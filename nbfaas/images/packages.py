"""Packages: resolved and installed on the host by uv, for an image's Python and platform.

Nothing is run in the image and no index is asked from there, so no credentials and no network get
into a build. What the parent image already has is kept at its version where the requirements allow.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nbfaas.errors import ImageBuildFailed
from nbfaas.images.pip_settings import config_files, pip_settings, uv_environment
from nbfaas.images.probe import Probe
from nbfaas.images.runtimes import read_requirements

_PIN = re.compile(r"[A-Za-z0-9._-]+(?:\[[^\]]*\])?\s*==\s*[^\s;]+")
_MANYLINUX = (17, 28, *range(31, 41))  # the glibc versions that uv has platforms for
_TIMEOUT = 1800.0  # seconds; a build of a source distribution can take long


@dataclass(frozen=True, slots=True)
class Resolution:
    """``lines`` are what is to be installed, pinned, in uv's requirements format."""

    lines: tuple[str, ...]

    @property
    def hash(self) -> str:
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()

    @property
    def packages(self) -> dict[str, str]:
        """Versions by normalised name; a URL where the requirement was one."""
        return dict(map(_pinned, self.lines))

    def __str__(self) -> str:
        return f"{len(self.lines)} package{'s' if len(self.lines) != 1 else ''}"


class Packages:
    """Resolves and installs for one image. ``folder`` keeps resolutions and scratch files."""

    def __init__(self, image: str, folder: Path, target: Probe) -> None:
        self._image = image
        self._folder = folder
        self._target = target

    def __repr__(self) -> str:
        return f"<Packages for {self._image}, {' '.join(self._platform()) or 'as this machine'}>"

    def resolve(self, requirements: tuple[str, ...], have: dict[str, str]) -> Resolution:
        """Find versions that fit together and are not among ``have`` (versions by name).

        The answer is remembered, so an unchanged requirement set resolves to the same versions for
        as long as ``folder`` exists. Raises ``ImageBuildFailed`` with uv's explanation.
        """
        have = {normalised(name): version for name, version in have.items()}
        target = (self._target.python, self._platform())
        key = repr((target, sorted(requirements), sorted(have.items())))
        kept = self._folder / "resolved" / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.txt"
        if not kept.is_file():
            kept.parent.mkdir(parents=True, exist_ok=True)
            with self._scratch() as folder:
                given, found = folder / "requirements.in", folder / "requirements.txt"
                given.write_text("".join(f"{line}\n" for line in requirements))
                # uv prefers the versions in a file it is about to overwrite.
                found.write_text("".join(f"{_pin(*item)}\n" for item in sorted(have.items())))
                self._uv(
                    f"resolving {', '.join(requirements)}",
                    ["compile", str(given), "-o", str(found), "--no-header", "--no-annotate"],
                )
                found.replace(kept)
        missing = []
        for line in read_requirements(kept):
            name, version = _pinned(line)
            if have.get(name) != version:
                missing.append(line)
        return Resolution(tuple(missing))

    @contextmanager
    def install(self, resolution: Resolution) -> Iterator[Path]:
        """Install into a folder of the host that exists within the context, bytecode included.

        Raises ``ImageBuildFailed`` with uv's explanation.
        """
        with self._scratch() as folder:
            pinned, site = folder / "pinned.txt", folder / "site"
            pinned.write_text("".join(f"{line}\n" for line in resolution.lines))
            self._uv(
                f"installing {', '.join(sorted(resolution.packages))}",
                [
                    "install",
                    "--no-deps",
                    "--compile-bytecode",
                    "-r",
                    str(pinned),
                    "--target",
                    str(site),
                ],
            )
            shutil.rmtree(site / "bin", ignore_errors=True)  # scripts that name the host's Python
            (site / ".lock").unlink(missing_ok=True)
            yield site

    def _platform(self) -> tuple[str, ...]:
        """uv's name of the image's platform, where it is not this machine's."""
        machine, glibc = self._target.machine, self._target.glibc
        if glibc is None:
            return ("--python-platform", f"{machine}-unknown-linux-musl")
        host = platform.libc_ver()[1] if sys.platform == "linux" else ""
        if machine == platform.machine() and host and _numbers(host) <= _numbers(glibc):
            return ()
        minor = max((m for m in _MANYLINUX if (2, m) <= _numbers(glibc)), default=_MANYLINUX[0])
        return ("--python-platform", f"{machine}-manylinux_2_{minor}")

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="install-") as folder:
            yield Path(folder)

    def _uv(self, step: str, arguments: list[str]) -> None:
        import uv

        command = [uv.find_uv_bin(), "pip", *arguments, "--no-progress", "--color", "never"]
        command += ["--python", sys.executable, *self._platform()]
        environ = dict(os.environ)
        environ |= uv_environment(pip_settings(environ, config_files(environ)), environ)
        environ["PYC_INVALIDATION_MODE"] = "UNCHECKED_HASH"
        try:
            run = subprocess.run(
                command, capture_output=True, text=True, env=environ, timeout=_TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            raise ImageBuildFailed(
                self._image, step, f"uv ran longer than {_TIMEOUT:g} s"
            ) from None
        if run.returncode != 0:
            raise ImageBuildFailed(self._image, step, run.stderr)


def normalised(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _pinned(line: str) -> tuple[str, str]:
    """The normalised name and the version of a pinned requirement; a URL instead of a version
    where the requirement was one."""
    name, _, version = line.partition("==" if _PIN.fullmatch(line) else "@")
    return normalised(name.partition("[")[0].strip()), version.strip()


def _pin(name: str, version: str) -> str:
    return f"{name} @ {version}" if ":" in version else f"{name}=={version}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])
