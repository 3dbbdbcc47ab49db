"""Deployed functions with real images and registries, in a data folder of each module's own; in the
end none of its images is left."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from registry_servers import RegistryServer

from nbfaas.settings import config

_numbers = itertools.count(1)


@pytest.fixture
def start(monkeypatch, tmp_path) -> Iterator[Callable[..., RegistryServer]]:
    """Starts registries, and makes the last one that of the settings."""
    started: list[RegistryServer] = []

    def start(**options: Any) -> RegistryServer:
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
