"""Running gateways, and a client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from running_gateway import Place, running

from nbfaas.gateway import Limits


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with running() as place:
        yield place


@pytest.fixture
async def client(place: Place) -> AsyncIterator[httpx.AsyncClient]:
    async with place.client() as client:
        yield client


@pytest.fixture
async def hasty() -> AsyncIterator[Place]:
    """A gateway with short deadlines and small caps."""
    limits = Limits(
        body=10_000,
        header_count=20,
        header_size=4096,
        header_deadline=0.4,
        body_deadline=0.5,
        body_pace=200,
        connections=8,
        keep_alive=0.5,
        batch=10,
        close_deadline=2.0,
    )
    async with running(limits=limits) as place:
        yield place
