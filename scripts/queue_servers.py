"""Sees to it that the servers which the tests of queues start are installed:
``python scripts/queue_servers.py``. On Debian they come from its packages redis-server and
nats-server. None is left running: each test session starts servers of its own.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys

import debian_packages

PACKAGES = ("redis-server", "nats-server")
LOCK = "/var/lock/nbfaas-queue-servers.lock"


class NoQueueServers(Exception):
    """They can't be had here; the text says why and what the user can do."""


def ensure(packages: tuple[str, ...] = PACKAGES) -> None:
    """Install what is missing; each package has a program of its name. Raises ``NoQueueServers``.
    Any number of calls at once are safe."""
    # nats-server is here, which is not on every root's path.
    os.environ["PATH"] = f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"
    if not missing(packages):
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        names = " and ".join(missing(packages))
        raise NoQueueServers(
            f"{names} can't be found. Install them (on Debian: `sudo apt-get install {names}`)."
        )
    with open(LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if wanted := missing(packages):
            _install(wanted)


def missing(packages: tuple[str, ...]) -> list[str]:
    return [name for name in packages if shutil.which(name) is None]


def _install(wanted: list[str]) -> None:
    print(f"servers: installing {' and '.join(wanted)} with apt-get", file=sys.stderr, flush=True)
    installed, told = debian_packages.install(*wanted)
    if not installed or missing(tuple(wanted)):
        raise NoQueueServers(f"`apt-get install {' '.join(wanted)}` failed:\n{told}")
    if os.path.isdir("/run/systemd/system"):  # their packages start them, which nobody asked for
        subprocess.run(
            ["systemctl", "disable", "--quiet", "--now", *wanted],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )


if __name__ == "__main__":
    try:
        ensure()
    except NoQueueServers as error:
        sys.exit(f"queues: {error}")
    print(f"queues: {' and '.join(PACKAGES)} are installed")
