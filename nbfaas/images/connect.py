"""``Images`` for programs that have no docker client of their own, such as the command line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import docker
import docker.errors

from nbfaas.errors import BackendUnavailable
from nbfaas.images.builder import Images
from nbfaas.images.progress import Notify
from nbfaas.settings import Settings


@contextmanager
def connected(
    settings: Settings,
    notify: Notify | None = None,
    container_labels: Mapping[str, str] | None = None,
) -> Iterator[Images]:
    """``Images`` at the Docker Engine that ``DOCKER_HOST`` names. Raises ``BackendUnavailable``."""
    try:
        client = docker.from_env()
    except docker.errors.DockerException as error:
        host = os.environ.get("DOCKER_HOST")
        where = f" (DOCKER_HOST is {host!r})" if host else ""
        raise BackendUnavailable(
            "docker", f"{error}{where}", "Is dockerd running, and may you use its socket?"
        ) from error
    try:
        yield Images(client, settings, notify, container_labels)
    finally:
        client.close()
