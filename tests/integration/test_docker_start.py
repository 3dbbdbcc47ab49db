"""What the docker backend says when it can't do what it should."""

import asyncio
import dataclasses
import os
import socket
import subprocess
import sys

import pytest
from places import SPEC, DockerPlace

from nbfaas.backends.auto import choose_backend
from nbfaas.backends.base import SandboxSpec
from nbfaas.backends.docker import DockerBackend
from nbfaas.backends.docker_engine import unavailable
from nbfaas.backends.owner import Owner
from nbfaas.errors import BackendUnavailable, ImageNotFound, SandboxStartFailed
from nbfaas.images.builder import Images
from nbfaas.model.image import ImageSpec
from nbfaas.settings import Settings


class ChangedImages:
    """Real images, with something wrong about what is said of them."""

    def __init__(self, client, settings, **wrong):
        self._images = Images(client, settings)
        self._wrong = wrong

    def ensure(self, spec):
        built = self._images.ensure(dataclasses.replace(spec, env=()))
        return dataclasses.replace(built, **self._wrong)


async def start_with(spec: SandboxSpec = SPEC, **wrong):
    settings = Settings(start_timeout=20)
    backend = DockerBackend(settings, lambda client: ChangedImages(client, settings, **wrong))
    await backend.open()
    try:
        await backend.start(spec)
    finally:
        await backend.close()
        place = DockerPlace(settings)
        left = await asyncio.to_thread(place.left, Owner.current())
        place.client.close()
        await place.backend.close()
        assert not left


@pytest.mark.docker
async def test_what_a_failing_agent_wrote_is_shown():
    image = ImageSpec(env=(("PYTHONHOME", "/nowhere"),))
    with pytest.raises(SandboxStartFailed) as caught:
        await start_with(SandboxSpec(image, SPEC.resources))
    assert "exit code 1 before it was ready" in str(caught.value)
    assert "PYTHONHOME = '/nowhere'" in str(caught.value)


@pytest.mark.docker
async def test_an_image_without_its_interpreter_is_named():
    with pytest.raises(SandboxStartFailed, match="exec /no/python failed"):
        await start_with(interpreter="/no/python")


@pytest.mark.docker
async def test_an_image_that_is_gone_is_named():
    with pytest.raises(SandboxStartFailed, match="No such image: nbfaas/no-such-image"):
        await start_with(reference="nbfaas/no-such-image:1")


@pytest.mark.docker
async def test_an_image_that_does_not_exist_is_an_image_error():
    settings = Settings(pull=False)
    backend, _ = await choose_backend(settings)
    with pytest.raises(ImageNotFound):
        await backend.start(
            SandboxSpec(ImageSpec("reference", "nbfaas/never-made:1"), SPEC.resources)
        )
    await backend.close()


@pytest.mark.docker
async def test_docker_is_chosen_where_a_daemon_answers():
    backend, why = await choose_backend(Settings())
    assert backend.name == "docker"
    assert backend.isolates
    assert "Docker" in why
    await backend.close()


async def test_without_a_daemon_processes_are_chosen_and_said_not_to_be_isolated(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/docker.sock")
    backend, why = await choose_backend(Settings())
    assert backend.name == "process"
    assert "NOT isolated" in why
    assert "there is no Docker socket" in why
    await backend.close()


async def test_processes_are_used_when_asked_for():
    backend, why = await choose_backend(Settings(backend="process"))
    assert backend.name == "process"
    assert "NOT isolated" in why
    await backend.close()


async def test_docker_asked_for_by_name_is_not_replaced(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/docker.sock")
    with pytest.raises(BackendUnavailable, match="no Docker socket") as caught:
        await choose_backend(Settings(backend="docker"))
    assert "DOCKER_HOST is 'unix:///no/such/docker.sock'" in str(caught.value)
    assert "unset DOCKER_HOST" in str(caught.value)


def test_the_images_command_names_the_docker_host_that_is_dead():
    code = "import sys; sys.argv[1:] = ['images', 'ls']; from nbfaas.cli import main; main()"
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "DOCKER_HOST": "unix:///no/such/docker.sock"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 1
    assert "DOCKER_HOST is 'unix:///no/such/docker.sock'" in said.stderr


@pytest.mark.parametrize("host", ["tcp://10.0.0.1:2375", "ssh://me@machine"])
async def test_a_daemon_on_another_machine_is_refused_with_the_reason(monkeypatch, host):
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(BackendUnavailable, match="Unix socket, which does not reach"):
        await choose_backend(Settings(backend="docker"))


async def test_a_daemon_that_is_not_running_is_told_from_one_that_is_not_installed(
    monkeypatch, tmp_path
):
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))  # and never listens: as a daemon leaves it that was killed
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with pytest.raises(BackendUnavailable, match="is not running"):
        await choose_backend(Settings(backend="docker"))


async def test_a_daemon_that_does_not_answer_is_given_up_after_three_seconds(monkeypatch, tmp_path):
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        async with asyncio.timeout(10):
            with pytest.raises(BackendUnavailable, match="did not answer within 3 s"):
                await choose_backend(Settings(backend="docker"))


def test_a_socket_that_may_not_be_used_is_told_with_the_group_to_join():
    inner = ConnectionError("Connection aborted.", PermissionError(13, "Permission denied"))
    assert "usermod -aG docker" in str(unavailable(RuntimeError(inner)))
