"""Real servers: `nbfaas serve` in a process of its own, with functions that were deployed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from function_images import remove_images
from serving import Running

from nbfaas.catalog import Catalog
from nbfaas.remote.deploy import open_catalog
from nbfaas.settings import config


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
    yield tmp_path / "data"
    remove_images(client)


@pytest.fixture
def catalog(data) -> Catalog:
    return open_catalog()


@pytest.fixture
def serve(data, tmp_path) -> Iterator[Callable[..., Running]]:
    """Starts servers, on the process backend unless told otherwise; the last ones are ended."""
    started: list[Running] = []

    def serve(more: str = "", data: Path = data, **given: object) -> Running:
        running = Running(tmp_path, data, more, **given)  # type: ignore[arg-type]
        started.append(running)
        running.start()
        return running

    yield serve
    for running in started:
        running.kill()
