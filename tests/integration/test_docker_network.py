"""Sandboxes that have a network reach out, but not each other; the network does not stay."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from typing import Any

import docker.errors
import pytest
from places import SPEC, DockerPlace
from talk import Failed, Talk

from nbfaas.backends import docker_engine
from nbfaas.backends.docker_network import ensure_network, remove_unused_networks
from nbfaas.backends.docker_options import NETWORK_ROLE, ROLE_LABEL

pytestmark = pytest.mark.docker

WITH_NETWORK = dataclasses.replace(SPEC, network=True)
LISTEN = """
import socket, threading
server = socket.create_server(("0.0.0.0", 8000))
def serve():
    while True:
        server.accept()[0].sendall(b"hello")
threading.Thread(target=serve, daemon=True).start()
def handler(event, context):
    return socket.gethostbyname(socket.gethostname())
"""
CONNECT = """
import socket
def handler(event, context):
    with socket.create_connection(tuple(event), 3) as connection:
        return connection.recv(5)
"""


async def networks(place: DockerPlace) -> list[dict[str, Any]]:
    filters = {"label": f"{ROLE_LABEL}={NETWORK_ROLE}"}
    return await asyncio.to_thread(place.client.api.networks, filters=filters)


async def test_sandboxes_reach_out_but_not_each_other(place):
    first, second = await asyncio.gather(*(place.start(WITH_NETWORK) for _ in range(2)))
    listening, connecting = Talk(first), Talk(second)
    await listening.load(LISTEN)
    address = await listening.call()
    await connecting.load(CONNECT)
    # Each its own: what listens there works, and can be reached from outside of the network.
    await _hello(address, 8000)
    with pytest.raises(Failed, match="timed out"):
        await connecting.call((address, 8000))
    (network,) = [each for each in await networks(place) if each["Id"] == await _of(place, first)]
    with socket.create_server((network["IPAM"]["Config"][0]["Gateway"], 0)) as server:
        accepting = asyncio.create_task(asyncio.to_thread(_answer, server))
        assert await connecting.call(server.getsockname()) == b"hello"
        await accepting
    await asyncio.gather(first.destroy(), second.destroy())


async def _hello(address: str, port: int) -> None:
    reader, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 10)
    assert await reader.read(5) == b"hello"
    writer.close()
    await writer.wait_closed()


async def _of(place: DockerPlace, sandbox: Any) -> str:
    found = await asyncio.to_thread(place.client.api.inspect_container, sandbox.id)
    return found["NetworkSettings"]["Networks"].popitem()[1]["NetworkID"]


def _answer(server: socket.socket) -> None:
    with server.accept()[0] as connection:
        connection.sendall(b"hello")


async def test_a_network_that_nothing_uses_is_swept(place):
    sandbox = await place.start(WITH_NETWORK)
    used = await _of(place, sandbox)
    made = await asyncio.to_thread(
        place.client.api.create_network,
        "nbfaas-test-left",
        driver="bridge",
        labels={ROLE_LABEL: NETWORK_ROLE},
    )
    await place.backend.sweep()
    left = {each["Id"] for each in await networks(place)}
    assert used in left
    assert made["Id"] not in left
    await sandbox.destroy()


async def test_a_network_that_is_removed_as_a_sandbox_starts_is_made_again(place, monkeypatch):
    gone: list[str] = []

    def ensure_and_lose(api: Any) -> str:
        network = ensure_network(api)
        if not gone:
            gone.append(_removed(api))
            return gone[0]
        return network

    monkeypatch.setattr(docker_engine, "ensure_network", ensure_and_lose)
    sandbox = await place.start(WITH_NETWORK)
    assert await Talk(sandbox).run("return 1") == 1
    assert await _of(place, sandbox) not in gone
    await sandbox.destroy()


def _removed(api: Any) -> str:
    """The id of a network that was there until now."""
    network = str(api.create_network("nbfaas-test-gone", driver="bridge")["Id"])
    api.remove_network(network)
    return network


async def test_removing_networks_never_raises(place):
    api = place.client.api
    sandbox = await place.start(WITH_NETWORK)
    used = await _of(place, sandbox)
    await asyncio.to_thread(remove_unused_networks, api)
    with pytest.raises(docker.errors.APIError):
        await asyncio.to_thread(api.remove_network, used)
    await sandbox.destroy()
