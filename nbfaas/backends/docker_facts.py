"""What there is to know of the Docker Engine, for `%faas doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbfaas.errors import BackendUnavailable

if TYPE_CHECKING:
    import docker


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """``memory`` in bytes, ``cgroup_version`` "1" or "2"."""

    version: str
    address: str
    storage: str
    cgroup_version: str
    cpus: int
    memory: int


def engine_facts() -> EngineFacts:
    """Ask the Engine that ``DOCKER_HOST`` names. Raises ``BackendUnavailable``."""
    with _client() as client:
        info: dict[str, Any] = client.info()
        return EngineFacts(
            version=str(info.get("ServerVersion", "?")),
            address=str(client.api.base_url).replace("http+docker://localhost", "the local socket"),
            storage=str(info.get("Driver", "?")),
            cgroup_version=str(info.get("CgroupVersion") or "1"),
            cpus=int(info.get("NCPU", 0)),
            memory=int(info.get("MemTotal", 0)),
        )


def has_image(reference: str) -> bool:
    """Whether the image is on this machine. Raises ``BackendUnavailable``."""
    with _client() as client:
        return any(reference in (image.tags or ()) for image in client.images.list(reference))


@contextmanager
def _client() -> Iterator[docker.DockerClient]:
    import docker.errors
    import requests

    client = None
    try:
        client = docker.from_env(timeout=10)
        yield client
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        fix = "Start it, see that you may use its socket, or set DOCKER_HOST."
        raise BackendUnavailable("docker", str(error), fix) from None
    finally:
        if client is not None:
            client.close()
