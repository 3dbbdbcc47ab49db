"""Deployed functions with real images and registries, in a data folder of each module's own; in the
end none of its images is left."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from function_images import remove_images
from registry_servers import RegistryServer

from nbfaas.catalog import Catalog
from nbfaas.remote.deploy import open_catalog
from nbfaas.settings import config

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def data(monkeypatch, tmp_path, client) -> Iterator[Path]:
    """An empty data folder; the images that were deployed are removed in the end."""
    monkeypatch.setattr(config, "data_dir", str(tmp_path / "data"))
    monkeypatch.setattr(config, "show_progress", False)
    monkeypatch.setattr(config, "prewarm", 0)  # sandboxes would keep images in use
    yield tmp_path / "data"
    remove_images(client)


@pytest.fixture
def catalog(data) -> Catalog:
    return open_catalog()


@pytest.fixture
def start(monkeypatch, tmp_path) -> Iterator[Callable[..., RegistryServer]]:
    """Starts registries, and makes the last one that of the settings."""
    started: list[RegistryServer] = []

    def start(**options: bool) -> RegistryServer:
        server = RegistryServer(**options)
        started.append(server)
        server.start()
        monkeypatch.setattr(config, "registry", f"{server.url}/functions")
        return server

    # Whoever runs the tests may be logged in somewhere.
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    yield start
    for server in started:
        server.close()


@pytest.fixture(scope="module")
def shared_registry() -> Iterator[RegistryServer]:
    """The large layers of runtimes are sent to it once."""
    server = RegistryServer()
    server.start()
    yield server
    server.close()


@pytest.fixture
def registry(shared_registry, monkeypatch, tmp_path) -> RegistryServer:
    """A registry, in which each test has a prefix of its own."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    prefix = f"t{next(_numbers)}/functions"
    monkeypatch.setattr(config, "registry", f"{shared_registry.url}/{prefix}")
    return shared_registry
