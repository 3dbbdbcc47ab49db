"""Runs pytest with Docker at hand: ``python scripts/run_tests.py [pytest's own arguments]``.

Where Docker can't be had, the tests that need it are left out and the last line says so. In CI
(``CI=true``) nothing is left out: there they run, and fail.
"""

from __future__ import annotations

import os
import subprocess
import sys

from docker_daemon import NoDocker, ensure


def main(arguments: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", *arguments]
    missing = ""
    try:
        print(f"docker: version {ensure()} answers", flush=True)
    except NoDocker as error:
        if os.environ.get("CI", "").lower() not in ("", "0", "false"):
            print(f"Docker is missing, so the tests that need it will fail: {error}", flush=True)
        else:
            command += ["-m", "not docker"]
            missing = str(error)
    code = subprocess.call(command)
    if missing:
        print(f"\nWARNING: Docker tests did not run: {missing}", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
