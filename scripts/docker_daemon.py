"""Sees to it that a Docker daemon answers: ``python scripts/docker_daemon.py``.

If none answers, and this is root on a machine with apt, Docker is installed and ``dockerd`` is
started as a daemon of its own, which goes on running. Any number of calls at once are safe.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import debian_packages
import docker

DEFAULT_HOST = "unix:///var/run/docker.sock"
PID_FILES = ("/var/run/docker.pid", "/var/run/docker/containerd/containerd.pid")
START_SECONDS = 60.0


class NoDocker(Exception):
    """Docker can't be had here; the text says why and what the user can do."""


def version() -> str:
    """The version of the daemon that answers. Raises ``NoDocker``."""
    try:
        client = docker.from_env(timeout=10)
    except docker.errors.DockerException as error:
        raise NoDocker(_plain(error)) from None
    try:
        return str(client.version()["Version"])
    except (docker.errors.DockerException, OSError) as error:
        raise NoDocker(_plain(error)) from None
    finally:
        client.close()


def ensure(dockerd_options: tuple[str, ...] = ()) -> str:
    """The version of the daemon that answers, after installing and starting one where that is
    possible. Raises ``NoDocker``. ``dockerd_options`` are for a daemon that is started."""
    try:
        return version()
    except NoDocker as error:
        _refuse_what_is_not_ours(str(error))
    # dockerd and the iptables it calls are here, which is not on every root's path.
    os.environ["PATH"] = f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"
    with _lock():
        with contextlib.suppress(NoDocker):
            return version()  # another call was faster
        if shutil.which("dockerd") is None:
            _install()
        return _start(dockerd_options)


def _refuse_what_is_not_ours(reason: str) -> None:
    """Raise ``NoDocker`` where starting a daemon is not this script's business. ``reason`` is why
    none answers."""
    if "Permission denied" in reason:
        raise NoDocker(
            "the Docker daemon's socket may not be used by this user. Join its group with "
            "`sudo usermod -aG docker $USER`, then log in again."
        )
    host = _host()
    if not host.startswith("unix://"):
        raise NoDocker(f"no Docker daemon answers at DOCKER_HOST={host}: {reason}")
    if sys.platform != "linux":
        raise NoDocker("no Docker daemon answers. Start Docker Desktop (or another engine).")
    if os.geteuid() != 0:
        installed = shutil.which("dockerd") is not None
        todo = (
            "start it with `sudo systemctl start docker`"
            if installed
            else "install it (on Debian: `sudo apt-get install docker.io`)"
        )
        raise NoDocker(f"no Docker daemon answers at {host}, and only root can start one: {todo}.")


def _install() -> None:
    if shutil.which("apt-get") is None:
        raise NoDocker("Docker is not installed, and there is no apt-get to install it with.")
    _say("installing docker.io and iptables with apt-get")
    packages = ("docker.io", "iptables")
    installed, told = debian_packages.install(*packages)
    if not installed or shutil.which("dockerd") is None:
        raise NoDocker(f"`apt-get install {' '.join(packages)}` failed:\n{told}")


def _start(options: tuple[str, ...]) -> str:
    """Start dockerd, or wait for the one that is just starting, until it answers."""
    log = Path(f"/var/log/nbfaas-dockerd{_suffix()}.log")
    process: subprocess.Popen[bytes] | None = None
    if os.path.isdir("/run/systemd/system") and _host() == DEFAULT_HOST:
        _say("starting Docker's service")
        subprocess.run(["systemctl", "start", "docker"], check=False, stdin=subprocess.DEVNULL)
    elif not _starting_already():
        _say(f"starting dockerd; it writes to {log}")
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["dockerd", "--host", _host(), *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # lives on when this script and its terminal are gone
                cwd="/",
            )
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return version()
        except NoDocker as error:
            if process is not None and process.poll() is not None:
                raise NoDocker(f"dockerd ended at once. It wrote:\n{_tail(log)}") from None
            if time.monotonic() > deadline:
                wrote = f" It wrote:\n{_tail(log)}" if process is not None else ""
                raise NoDocker(
                    f"dockerd did not answer within {START_SECONDS:g} s ({error}).{wrote}"
                ) from None
        time.sleep(0.2)


def _starting_already() -> bool:
    """Whether a daemon for the default socket runs but does not answer yet. Where /run survives a
    restart of the machine, a process file can name a number that by now is somebody else's; dockerd
    would then refuse to start, so such files are removed."""
    if _host() != DEFAULT_HOST:
        return False
    running = False
    for pid_file in map(Path, PID_FILES):
        with contextlib.suppress(OSError, ValueError):
            pid = int(pid_file.read_text())
            name = Path(f"/proc/{pid}/comm")
            if name.exists() and name.read_text().strip() == pid_file.stem.replace(
                "docker", "dockerd"
            ):
                running = running or pid_file.stem == "docker"
            else:
                pid_file.unlink()
    return running


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    with open(f"/var/run/nbfaas-dockerd{_suffix()}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _host() -> str:
    return os.environ.get("DOCKER_HOST") or DEFAULT_HOST


def _suffix() -> str:
    """Keeps apart the lock and log of daemons with other sockets than the default one."""
    host = _host()
    return "" if host == DEFAULT_HOST else host.removeprefix("unix://").replace("/", "-")


def _plain(error: Exception) -> str:
    """The innermost reason of the SDK's nested messages."""
    text = str(error)
    for reason in ("Permission denied", "No such file or directory", "Connection refused"):
        if reason in text:
            return reason
    return text


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return debian_packages.tail("\n".join(line for line in lines if "level=info" not in line))


def _say(text: str) -> None:
    print(f"docker: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        print(f"docker: version {ensure(tuple(sys.argv[1:]))} answers")
    except NoDocker as error:
        sys.exit(f"docker: {error}")
