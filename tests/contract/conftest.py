"""The fixtures ``place`` and ``sandbox``: each test runs once in every backend."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from places import DockerPlace, Place, ProcessPlace

from nbfaas.backends.base import Sandbox
from nbfaas.backends.owner import Owner
from nbfaas.settings import Settings


@pytest.fixture
def settings() -> Settings:
    return Settings(start_timeout=30)


@pytest.fixture(
    params=[
        pytest.param(DockerPlace, marks=pytest.mark.docker, id="docker"),
        pytest.param(ProcessPlace, id="process"),
    ]
)
async def place(request, settings) -> AsyncIterator[Place]:
    place = request.param(settings)
    await place.backend.open()
    yield place
    # Whatever a test does: once its sandboxes are destroyed, nothing is left.
    left = await asyncio.to_thread(place.left, Owner.current())
    await place.backend.close()
    if isinstance(place, DockerPlace):
        place.client.close()
    assert not left


@pytest.fixture
async def sandbox(place) -> AsyncIterator[Sandbox]:
    sandbox = await place.start()
    yield sandbox
    await sandbox.destroy()
