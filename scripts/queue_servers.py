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
    _run("apt-get", "update", "-qq")  # where only some list is out of reach, it may still work
    done = _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *wanted)
    if done.returncode != 0 or missing(tuple(wanted)):
        told = "\n".join(f"    {line}" for line in done.stdout.strip().splitlines()[-10:])
        raise NoQueueServers(f"`apt-get install {' '.join(wanted)}` failed:\n{told}")
    if os.path.isdir("/run/systemd/system"):  # their packages start them, which nobody asked for
        _run("systemctl", "disable", "--quiet", "--now", *wanted)


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
        ensure()
    except NoQueueServers as error:
        sys.exit(f"queues: {error}")
    print(f"queues: {' and '.join(PACKAGES)} are installed")
