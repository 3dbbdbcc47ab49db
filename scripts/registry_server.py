"""Sees to it that the registry which tests start is installed:
``python scripts/registry_server.py``. On Debian it comes from its package docker-registry. None is
left running: each test session starts registries of its own, on loopback.
"""

from __future__ import annotations

import sys

import queue_servers

PACKAGES = ("docker-registry",)


def ensure() -> None:
    """Install it if need be. Raises ``queue_servers.NoQueueServers``."""
    queue_servers.ensure(PACKAGES)


if __name__ == "__main__":
    try:
        ensure()
    except queue_servers.NoQueueServers as error:
        sys.exit(f"registry: {error}")
    print(f"registry: {' and '.join(PACKAGES)} is installed")
