"""Deploying from a notebook that works on a server, in a real kernel: the server builds and serves
it."""

from __future__ import annotations

import docker
import pytest
from function_images import PREFIX, remove_images
from serving import Running

pytestmark = pytest.mark.docker
NAME = f"{PREFIX}kernel"
DEFINE = """
from nbfaas import remote

@remote(cpu=0.5, memory="128MB")
def thumb(size: int = 1) -> int:
    return 10 * size
"""
HANDLER = """%%faas --name thumb --cpu 0.5 --memory 128MB
def handler(event, context):
    return {'of': event.data['size']}
"""


@pytest.fixture
def running(tmp_path):
    folder = tmp_path / "server"
    folder.mkdir()
    running = Running(folder, folder / "data", backend="docker")
    client = docker.from_env()
    try:
        running.start()
        yield running
    finally:
        running.kill()
        remove_images(client)
        client.close()


def test_a_notebook_deploys_on_the_server_it_works_on(kernel, running):
    kernel.run(f"import os; os.environ['NBFAAS_TOKEN'] = {running.token!r}").ok()
    kernel.run(f"%faas connect {running.url}").ok()
    kernel.run(DEFINE).ok()
    cell = kernel.run(f"%faas deploy thumb --name {NAME} --alias prod", 120).ok()
    assert "v1 (deployed)" in cell.value
    assert running.url in cell.value
    assert f"Served as {NAME} (prod → v1)." in cell.value
    assert f"on the server: {NAME} v1: [1/1] adding the function" in cell.shown
    with running.client() as http:
        assert http.post(f"/functions/{NAME}", json={"size": 7}).json() == 70

    # A handler, as the next version; then the alias is led there, and back.
    kernel.run(HANDLER).ok()
    cell = kernel.run(f"print(thumb.deploy({NAME!r}))", 120).ok()
    assert f"{NAME} v2 on {running.url}: deployed in" in cell.stdout
    assert f"To serve it instead: %faas alias {NAME} prod v2." in cell.stdout
    told = kernel.run(f"%faas alias {NAME} prod v2", 60).ok().value
    assert told == f"prod → v2. Served as {NAME} (prod → v2)."
    with running.client() as http:
        assert http.post(f"/functions/{NAME}", json={"size": 7}).json() == {"of": 7}
    assert f"prod → v1. Served as {NAME} (prod → v1)." == (
        kernel.run(f"%faas rollback {NAME} prod", 60).ok().value
    )
    canary = kernel.run(f"%faas alias {NAME} prod --canary v2 --percent 10", 60).ok().value
    assert canary.startswith("prod → v1 0.9, v2 0.1.")
    called = kernel.run(f"import nbfaas; nbfaas.deployed('{NAME}:v1').remote(4)", 60).ok()
    assert called.value == "40"

    assert NAME in kernel.run("%faas functions").ok().value
    versions = kernel.run(f"%faas versions {NAME}").ok().value
    assert "v2" in versions
    assert "v1" in versions
    assert "rollback" in kernel.run(f"%faas versions {NAME} --moves").ok().value
    assert "go together" in kernel.run(f"%faas alias {NAME} prod v1 --canary v2").error_value
    assert kernel.run("%faas deploy thumb --push").error_name == "NotOnServer"
    assert kernel.run(f"%faas export {NAME} folder").error_name == "NotOnServer"

    # Without the server there is none of it; the same commands are about this machine then.
    kernel.run("%faas disconnect").ok()
    assert "none yet" in kernel.run("%faas functions").ok().value
    assert kernel.run(f"%faas alias {NAME} prod v1").error_name == "NotDeployed"
    assert kernel.run(f"%faas rollback {NAME} prod").error_name == "NotDeployed"
