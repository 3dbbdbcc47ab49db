"""Sees to it that there is a browser for the tests of widgets and for pictures:
``python scripts/chromium.py``. On Debian it is the package chromium.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys

import debian_packages

LOCK = "/var/lock/nbfaas-chromium.lock"


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
    installed, told = debian_packages.install("chromium")
    found = shutil.which("chromium")
    if not installed or found is None:
        raise NoChromium(f"`apt-get install chromium` failed:\n{told}")
    return found


if __name__ == "__main__":
    try:
        print(f"browser: {ensure()}")
    except NoChromium as error:
        sys.exit(f"browser: {error}")
