"""Installing Debian's packages, for the scripts that see to it that something is there."""

from __future__ import annotations

import os
import subprocess


def install(*packages: str) -> tuple[bool, str]:
    """Whether ``apt-get install`` succeeded, and the end of what it said. As root."""
    _apt_get("update", "-qq")  # where only some list is out of reach, installing may still work
    done = _apt_get("install", "-y", "-qq", "--no-install-recommends", *packages)
    return done.returncode == 0, tail(done.stdout)


def tail(text: str) -> str:
    """The last lines, indented."""
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-10:])


def _apt_get(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["apt-get", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
