"""Deploying from a real kernel: what a restart of it changes (nothing), and what is left."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest
from function_images import PREFIX, images_of, remove_images

NAME = f"{PREFIX}kernel"
CELL = """
import nbfaas
from nbfaas import remote

WORDS = {"alpha", "beta", "gamma", "delta"}

@remote
def score(x):
    return x in WORDS or x in {"one", "two", "three"}
"""


pytestmark = pytest.mark.docker


@pytest.fixture(autouse=True)
def _images() -> Iterator[None]:
    client = docker.from_env()
    yield
    remove_images(client)
    assert not images_of(client)
    client.close()


def test_a_cell_is_the_same_version_after_a_restart_and_runs_without_the_function(docker_kernel):
    kernel = docker_kernel
    kernel.run(CELL).ok()
    first = kernel.run(f"%faas deploy score --name {NAME} --alias dev").ok()
    assert "v1 (deployed)" in first.value
    assert "content hash" in first.value
    kernel.restart()
    kernel.run("%load_ext nbfaas").ok()
    kernel.run("1 + 1").ok()
    kernel.run(CELL).ok()
    again = kernel.run(f"score.deploy({NAME!r})").ok()
    assert "v1: unchanged, already deployed" in again.value
    kernel.run("del score, WORDS").ok()
    kernel.run(f"deployed = nbfaas.deployed({NAME!r}, 'dev')").ok()
    assert kernel.run("[deployed.remote(x) for x in ('beta', 'two', 'none')]").ok().value == (
        "[True, True, False]"
    )
    listing = kernel.run("%faas functions").ok().value
    assert NAME in listing
    assert "dev → v1" in listing
    assert "def score(x):" in kernel.run(f"%faas versions {NAME} --source v1").ok().value
    assert "dev since" in kernel.run(f"%faas versions {NAME}").ok().value
    cell = kernel.run(f"%faas versions {NAME} --source v9")
    assert cell.error_name == "UnknownVersion"
