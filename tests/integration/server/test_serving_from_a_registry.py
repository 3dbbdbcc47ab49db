"""From deploying to serving elsewhere: with another data folder, and no image on the machine."""

from __future__ import annotations

import json

import docker
import pytest
from function_images import PREFIX, images_of, remove_images
from registry_servers import RegistryServer
from waiting import until

from nbfaas import on, remote
from nbfaas.errors import NotAllowed, NotDeployed
from nbfaas.remote.deploy import open_catalog
from nbfaas.remote.distribution import pull, push
from nbfaas.remote.trigger_specs import recording_only
from nbfaas.settings import config

pytestmark = [pytest.mark.docker, pytest.mark.registry]
NAME = f"{PREFIX}elsewhere"


def test_a_pushed_function_is_served_by_its_digest_from_another_data_folder(
    data, serve, client: docker.DockerClient, monkeypatch, tmp_path
):
    def answer(event):
        with open("/notes/seen", "a") as file:
            file.write(f"{event.type}\n")
        return "here"

    notes = tmp_path / "notes"
    notes.mkdir(mode=0o777)
    notes.chmod(0o777)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    registry = RegistryServer()
    registry.start()
    try:
        monkeypatch.setattr(config, "registry", f"{registry.url}/functions")
        options = {"memory": "128MB", "cpu": 0.5, "volumes": {"/notes": str(notes)}}
        with recording_only():
            function = on.file(str(tmp_path / "inbox" / "*"), stable=0.1)(remote(**options)(answer))
            function.deploy(NAME)
        push(NAME)
        monkeypatch.setattr(config, "data_dir", str(tmp_path / "elsewhere"))
        remove_images(client)
        allow = {"volumes": [str(notes), f"{tmp_path}/inbox"]}
        with pytest.raises(NotAllowed, match="came from a registry and asks for the folder"):
            pull(f"{NAME}:v1")
        assert not images_of(client), "what was refused is not kept"
        with pytest.raises(NotDeployed):
            open_catalog().versions(NAME)
        monkeypatch.setattr(config, "allow", allow)
        pull(f"{NAME}:v1")
        open_catalog().set_alias(NAME, "prod", "v1")
        remove_images(client)
        assert not images_of(client)
        there = {"backend": "docker", "data": tmp_path / "elsewhere"}
        keys = f'registry = "{registry.url}/functions"\n'
        refusing = serve(keys, **there)
        assert f"{NAME}:v1 came from a registry and asks for the folder" in refusing.told
        with refusing.client() as http:
            assert http.post(f"/functions/{NAME}", json={}).status_code == 404
        assert refusing.stop() == 0
        running = serve(f"{keys}[allow]\nvolumes = {json.dumps(allow['volumes'])}\n", **there)
        with running.client() as http:
            assert http.post(f"/functions/{NAME}", json={}).json() == "here"
        (tmp_path / "inbox" / "new").write_text("x")
        seen = notes / "seen"
        until(lambda: "nbfaas.file" in seen.read_text(), 30)
        assert running.stop() == 0
    finally:
        registry.close()
