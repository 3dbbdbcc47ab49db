"""Runs pytest with Docker, servers of queues, a registry and a browser at hand:
``python scripts/run_tests.py [pytest's own arguments]``.

Where they can't be had, the tests that need them are left out and the last lines say so. In CI
(``CI=true``) nothing is left out: there they run, and fail.
"""

from __future__ import annotations

import os
import subprocess
import sys

import chromium
import docker_daemon
import queue_servers
import registry_server


def main(arguments: list[str]) -> int:
    missing: dict[str, str] = {}  # by the marker of the tests that need it
    try:
        print(f"docker: version {docker_daemon.ensure()} answers", flush=True)
    except docker_daemon.NoDocker as error:
        missing["docker"] = str(error)
    try:
        queue_servers.ensure()
    except queue_servers.NoQueueServers as error:
        missing["queues"] = str(error)
    try:
        registry_server.ensure()
    except queue_servers.NoQueueServers as error:
        missing["registry"] = str(error)
    try:
        chromium.ensure()
    except chromium.NoChromium as error:
        missing["browser"] = str(error)
    command = [sys.executable, "-m", "pytest", *arguments]
    in_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    if missing and not in_ci:
        command += ["-m", " and ".join(f"not {marker}" for marker in missing)]
    for marker, reason in missing.items():
        if in_ci:
            print(f"Tests marked {marker!r} will fail: {reason}", flush=True)
    code = subprocess.call(command)
    for marker, reason in missing.items():
        if not in_ci:
            print(f"\nWARNING: tests marked {marker!r} did not run: {reason}", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
