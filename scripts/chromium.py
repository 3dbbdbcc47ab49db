"""Sees to it that there is a browser for the tests of widgets and for pictures:
``python scripts/chromium.py``. On Debian it is the package chromium.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys

LOCK = "/var/lock/nbfaas-chromium.lock"
# What the browser is started with: as root and without a GPU, and asking nothing of the network.
OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


class NoChromium(Exception):
    """It can't be had here; the text says why and what the user can do."""


def ensure() -> str:
    """The program, installed if need be. Raises ``NoChromium``. Any number of calls at once are
    safe."""
    if found := shutil.which("chromium"):
        return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NoChromium(
            "chromium can't be found. Install it (on Debian: `sudo apt-get install chromium`)."
        )
    with open(LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return shutil.which("chromium") or _install()


def _install() -> str:
    print("browser: installing chromium with apt-get", file=sys.stderr, flush=True)
    _run("apt-get", "update", "-qq")  # where only some list is out of reach, it may still work
    done = _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium")
    found = shutil.which("chromium")
    if done.returncode != 0 or found is None:
        told = "\n".join(f"    {line}" for line in done.stdout.strip().splitlines()[-10:])
        raise NoChromium(f"`apt-get install chromium` failed:\n{told}")
    return found


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    try:
        print(f"browser: {ensure()}")
    except NoChromium as error:
        sys.exit(f"browser: {error}")
