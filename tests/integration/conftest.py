"""The process's service, once in each backend, as a notebook has it; and what is left of it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import docker
import pytest
from function_images import remove_images
from places import DockerPlace, folders_of

from nbfaas.backends.docker_options import OWNER_LABEL
from nbfaas.backends.owner import Owner
from nbfaas.catalog import Catalog
from nbfaas.model.records import Record
from nbfaas.remote.deploy import open_catalog
from nbfaas.service import Service, close_service, get_service, set_notify
from nbfaas.settings import Settings, config

DOCKER = pytest.param("docker", marks=pytest.mark.docker)
PROCESS = pytest.param("process")


@pytest.fixture(scope="module", params=[DOCKER, PROCESS])
def service(request, tmp_path_factory) -> Iterator[Service]:
    """The service in one backend; a module may ask for one of them only, with
    ``parametrize("service", …, indirect=True)``. In the end nothing must be left of it."""
    before = left_behind()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "backend", request.param)
        patch.setattr(config, "data_dir", str(tmp_path_factory.mktemp("data")))
        # Declared, not used: so that no test waits for another's idle sandboxes to give way.
        patch.setattr(config, "cpu_budget", 8.0)
        patch.setattr(config, "memory_budget", 8 << 30)
        patch.setattr(config, "show_progress", False)
        close_service()
        set_notify(lambda message: None)
        service = get_service()
        assert service.backend.name == request.param
        yield service
        close_service()
        set_notify(None)
    assert left_behind() == before


@pytest.fixture(autouse=True)
def _no_idle_sandboxes(request) -> Iterator[None]:
    """Each test starts with prewarmed sandboxes only."""
    yield
    if "service" in request.fixturenames:
        request.getfixturevalue("service").dispatcher.stop_idle()


@pytest.fixture
async def place() -> AsyncIterator[DockerPlace]:
    """The docker backend alone, with the handles of ``places``. In the end nothing must be left."""
    place = DockerPlace(Settings())
    await place.backend.open()
    yield place
    left = await asyncio.to_thread(place.left, Owner.current())
    await place.backend.close()
    place.client.close()
    assert not left


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def data(monkeypatch, tmp_path, client) -> Iterator[Path]:
    """An empty data folder; the images of what was deployed from it are removed in the end."""
    monkeypatch.setattr(config, "data_dir", str(tmp_path / "data"))
    monkeypatch.setattr(config, "show_progress", False)
    monkeypatch.setattr(config, "prewarm", 0)  # sandboxes would keep images in use
    yield tmp_path / "data"
    remove_images(client)


@pytest.fixture
def catalog(data) -> Catalog:
    return open_catalog()


@pytest.fixture
def setting(monkeypatch) -> Callable[..., None]:
    """Changes settings for one test: ``setting(silence=0.5)``."""

    def change(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setattr(config, name, value)

    return change


@pytest.fixture
def records(service) -> Iterator[list[Record]]:
    """All records that are published while the test runs, as they come."""
    seen: list[Record] = []
    unsubscribe = service.subscribe(seen.append)
    yield seen
    unsubscribe()


def left_behind() -> dict[str, list[str]]:
    """What a service of this process could have left, by kind."""
    owner = Owner.current()
    return {
        "containers": _containers(owner),
        "folders": folders_of(owner),
        "processes": _children(),
        "threads": [t.name for t in threading.enumerate() if t.name.startswith("nbfaas")],
    }


def _containers(owner: Owner) -> list[str]:
    try:
        client = docker.from_env(timeout=10)
    except docker.errors.DockerException:
        return []
    try:
        label = f"{OWNER_LABEL}={owner}"
        return [each["Id"] for each in client.api.containers(all=True, filters={"label": label})]
    finally:
        client.close()


def _children() -> list[str]:
    children = set()
    for path in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        children.update(path.read_text().split())
    return sorted(children)
