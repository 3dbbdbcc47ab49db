"""Deploying functions, and running them from their images."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner
from function_images import PREFIX, images_of, remove_images

import nbfaas
from nbfaas import Image, remote
from nbfaas.cli import main
from nbfaas.errors import (
    BadDeployment,
    ImageNotFound,
    NotDeployable,
    NotDeployed,
    NothingToRollBack,
    RunsInImageOnly,
)
from nbfaas.remote.deploy import open_catalog
from nbfaas.remote.function import HandlerFunction
from nbfaas.settings import config

pytestmark = pytest.mark.docker
NAME = f"{PREFIX}thumb"
FACTOR = 2


def thumb(x):
    return x * FACTOR


def test_the_same_is_deployed_once_and_a_change_is_the_next_version(catalog, monkeypatch):
    function = remote(thumb)
    first = function.deploy(NAME, alias="dev")
    assert (first.version, first.built, first.alias) == ("v1", True, "dev")
    assert set(first.stages) == {"package", "runtime", "image", "catalog"}
    again = remote(thumb).deploy(NAME)
    assert (again.version, again.built, again.digest) == ("v1", False, first.digest)
    monkeypatch.setitem(globals(), "FACTOR", 3)
    changed = remote(thumb).deploy(NAME, alias="dev")
    assert (changed.version, changed.built) == ("v2", True)
    option = remote(memory="300MB")(thumb).deploy(NAME)
    assert (option.version, option.built) == ("v3", True)
    monkeypatch.setitem(globals(), "FACTOR", 2)
    assert remote(thumb).deploy(NAME).version == "v1"
    assert [each.label for each in catalog.versions(NAME)] == ["v3", "v2", "v1"]
    assert catalog.alias(NAME, "dev").version == 2


def test_the_image_tells_of_itself(catalog, client):
    deployed = remote(thumb).deploy(NAME)
    labels = client.api.inspect_image(deployed.image)["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == NAME
    assert labels["org.opencontainers.image.version"] == "v1"
    assert labels["org.opencontainers.image.revision"] == deployed.content_hash
    assert labels["dev.nbfaas.content-hash"] == deployed.content_hash
    # What any tool can read, without nbfaas and without running anything.
    container = client.api.create_container(deployed.digest, command=["none"])["Id"]
    try:
        chunks, _ = client.api.get_archive(container, "/opt/nbfaas/function/manifest.json")
        archive = b"".join(chunks)
    finally:
        client.api.remove_container(container)
    manifest = json.loads(archive[512 : archive.index(b"\0", 512)])
    assert manifest["name"] == NAME
    assert manifest["content_hash"] == deployed.content_hash
    assert manifest["options"]["memory"] == 512 << 20
    assert "def thumb(x):" in manifest["source"]


def test_another_data_folder_gives_the_same_hash_and_layer(data, client, monkeypatch, tmp_path):
    first = remote(thumb).deploy(NAME)
    layers = client.api.inspect_image(first.digest)["RootFS"]["Layers"]
    monkeypatch.setattr(config, "data_dir", str(tmp_path / "elsewhere"))
    shared = remote(thumb).deploy(NAME)
    assert (shared.content_hash, shared.digest) == (first.content_hash, first.digest)
    remove_images(client)
    monkeypatch.setattr(config, "data_dir", str(tmp_path / "fresh"))
    fresh = remote(thumb).deploy(NAME)
    assert fresh.content_hash == first.content_hash
    assert client.api.inspect_image(fresh.digest)["RootFS"]["Layers"] == layers


def test_an_image_that_was_removed_is_built_again_as_the_same_version(catalog, client):
    first = remote(thumb).deploy(NAME)
    remove_images(client)
    with pytest.raises(ImageNotFound, match=r"which was never pushed; deploy it again\)\.$"):
        nbfaas.deployed(NAME)
    again = remote(thumb).deploy(NAME)
    assert (again.version, again.built) == (first.version, True)
    assert nbfaas.deployed(NAME).manifest.content_hash == first.content_hash


def test_several_threads_deploy_the_same_once(catalog):
    with ThreadPoolExecutor(4) as threads:
        deployed = list(threads.map(lambda _: remote(thumb).deploy(NAME), range(4)))
    assert {each.version for each in deployed} == {"v1"}
    assert sum(each.built for each in deployed) == 1


@pytest.mark.parametrize("service", ["docker"], indirect=True)
def test_a_deployed_function_runs_without_the_one_of_the_notebook(service, data):
    def gone(x, *, more=0):
        if x < 0:
            raise ValueError("negative")
        return {"y": x * 10 + more}

    remote(cpu=0.5, env={"MODE": "deployed"})(gone).deploy(NAME, alias="prod")
    del gone
    function = nbfaas.deployed(NAME, "prod")
    assert repr(function).startswith(f"<DeployedFunction {NAME}:v1 ")
    assert function.remote(4, more=2) == {"y": 42}
    assert function.spawn(1).result() == {"y": 10}
    assert [each["y"] for each in function.map([1, 2, 3])] == [10, 20, 30]
    assert function.with_options(timeout=5).remote(1) == {"y": 10}
    with pytest.raises(ValueError, match="negative"):
        function.remote(-1)
    assert dict(function.options.env) == {"MODE": "deployed"}
    with pytest.raises(RunsInImageOnly, match="Use its remote"):
        function(1)
    with pytest.raises(NotDeployable, match="deployed already"):
        function.deploy()
    with pytest.raises(NotDeployable, match="its image is what was deployed"):
        function.with_options(image="scientific")
    service.dispatcher.stop_idle()


@pytest.mark.parametrize("service", ["docker"], indirect=True)
def test_a_handler_and_an_added_module_are_deployed(service, data, tmp_path):
    (tmp_path / "extra_module.py").write_text("VALUE = 7\n")
    source = (
        "import extra_module\ndef handler(event, context):\n    return extra_module.VALUE + event\n"
    )
    image = Image.python().add_local_python_source(str(tmp_path / "extra_module.py"))
    options = remote(image=image)(thumb).options
    handler = HandlerFunction(source, "/tmp/ipykernel_1/2.py", options, "cell")
    first = handler.deploy(NAME)
    function = nbfaas.deployed(f"{NAME}:v1")
    assert function.manifest.source == source
    assert function.remote(1) == 8
    (tmp_path / "extra_module.py").write_text("VALUE = 8\n")
    second = handler.deploy(NAME)
    assert (first.version, second.version) == ("v1", "v2"), "local sources count"
    assert nbfaas.deployed(NAME, "v2").remote(1) == 9
    assert nbfaas.deployed(NAME, "v1").remote(1) == 8
    service.dispatcher.stop_idle()


def test_a_weighted_alias_gives_a_key_its_version(catalog, monkeypatch):
    remote(thumb).deploy(NAME)
    monkeypatch.setitem(globals(), "FACTOR", 5)
    remote(thumb).deploy(NAME)
    catalog.set_alias(NAME, "prod", "v1", "v2", 0.5)
    chosen = {key: nbfaas.deployed(NAME, "prod", key=key).deployed.number for key in "abcdef"}
    assert set(chosen.values()) == {1, 2}
    assert chosen == {
        key: nbfaas.deployed(NAME, "prod", key=key).deployed.number for key in "abcdef"
    }


def test_what_can_t_be_deployed_is_told(data):
    with pytest.raises(BadDeployment, match="such as 'my_thumb'"):
        remote(thumb).deploy("My Thumb")
    with pytest.raises(BadDeployment, match="this is how versions are named"):
        remote(thumb).deploy(NAME, alias="v1")
    with pytest.raises(NotDeployed, match="no function is deployed as"):
        nbfaas.deployed("nowhere")
    assert not open_catalog().functions()


PROJECT = """
from nbfaas import on, remote
from helping import double

@on.schedule("*/5 * * * *", timezone="Europe/Berlin", on_success="made.one", delivery=7)
@on.queue("redis://user:secret@localhost:6379/0", stream="orders")
@on.event({"type": ["order.created"]}, transform={"total": "$.data.total"}, ordered_by="$.data.id")
@on.http("POST", "/make", respond="async")
@remote(memory="200MB")
def make(total):
    return double(total)
"""


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_line_deploys_a_file_and_starts_nothing(data, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "making.py").write_text(PROJECT)
    (project / "helping.py").write_text("def double(x):\n    return 2 * x\n")
    program = (
        "import threading; from nbfaas.cli import main\n"
        "try: main()\n"
        "finally: assert not [t for t in threading.enumerate() if t.name.startswith('nbfaas')]"
    )
    deploy = [sys.executable, "-c", program, "deploy", f"{project}/making.py:make", "--name", NAME]
    environment = {**os.environ, "NBFAAS_DATA_DIR": str(data), "PYTHONPATH": os.getcwd()}
    for _ in range(2):
        done = subprocess.run(deploy, env=environment, capture_output=True, text=True, check=True)
    assert f"{NAME} v1: unchanged" in done.stdout
    assert not (data / "events").exists()

    manifest = json.loads(run("versions", NAME, "--manifest", "v1"))
    triggers = {each["kind"]: each for each in manifest["triggers"]}
    assert triggers["schedule"]["arguments"] == ["*/5 * * * *"]
    assert triggers["schedule"]["options"] == {"timezone": "Europe/Berlin"}
    assert triggers["schedule"]["on_success"] == {"kind": "type", "to": "made.one"}
    assert triggers["schedule"]["delivery"] == {"max_attempts": 7}
    assert triggers["event"]["arguments"] == [{"type": ["order.created"]}]
    assert triggers["event"]["transform"] == {"total": "$.data.total"}
    assert triggers["event"]["ordered_by"] == "$.data.id"
    assert triggers["http"]["arguments"] == ["POST", "/make"]
    assert triggers["queue"]["arguments"] == ["redis://localhost:6379/0"]
    assert triggers["queue"]["secret"]
    assert "secret@" not in json.dumps(manifest)


def test_removing_a_function_leaves_it_to_the_other_data_folders_of_the_machine(
    data, client, monkeypatch, tmp_path
):
    folders = [str(tmp_path / each) for each in ("one", "two", "three")]
    before: set[str] = set()
    for folder in folders:
        before.update(*(each["RepoTags"] for each in images_of(client)))
        monkeypatch.setattr(config, "data_dir", folder)
        deployed = remote(thumb).deploy(NAME)
    (image,) = images_of(client)
    # As an earlier nbfaas has left it; it is noted again as soon as it is used from there.
    (third,) = set(image["RepoTags"]) - before
    client.api.remove_image(third)
    assert nbfaas.deployed(NAME).manifest.name == NAME
    for folder in folders[:2]:
        monkeypatch.setattr(config, "data_dir", folder)
        assert run("rm", NAME) == (
            f"removed {NAME}:v1 (its image stays: another data folder of this machine uses it)\n"
        )
        with pytest.raises(NotDeployed):
            nbfaas.deployed(NAME)
    monkeypatch.setattr(config, "data_dir", folders[2])
    assert nbfaas.deployed(NAME).manifest.name == NAME
    assert client.api.inspect_image(deployed.image)["Id"] == image["Id"]
    assert run("rm", NAME) == f"removed {NAME}:v1\n"
    assert not images_of(client)


def test_the_command_line_lists_shows_and_moves(catalog, monkeypatch, client):
    remote(thumb).deploy(NAME, alias="dev")
    monkeypatch.setitem(globals(), "FACTOR", 6)
    remote(memory="300MB")(thumb).deploy(NAME)
    assert f"{NAME}  v2      2" in run("functions")
    assert "dev → v1" in run("functions")
    assert run("alias", NAME, "prod", "v1") == "prod → v1\n"
    assert run("alias", NAME, "prod", "v1", "--canary", "v2", "--percent", "10") == (
        "prod → v1 0.9, v2 0.1\n"
    )
    listing = run("versions", NAME)
    assert "dev since 20" in listing
    assert "prod 90 % since 20" in listing
    assert "def thumb(x):" in run("versions", NAME, "--source", "v2")
    difference = run("versions", NAME, "--diff", "v1", "v2")
    assert '+    "memory": 314572800,' in difference
    assert run("rollback", NAME, "prod") == "prod → v1\n"
    assert isinstance(CliRunner().invoke(main, ["rollback", NAME, "prod"]).exception, SystemExit)
    with pytest.raises(NothingToRollBack):
        catalog.rollback(NAME, "prod")
    assert "rollback" in run("versions", NAME, "--moves")
    refused = CliRunner().invoke(main, ["rm", f"{NAME}:v1"])
    assert refused.exit_code == 1
    assert "is in use: dev, prod" in refused.output
    assert run("rm", f"{NAME}:v2") == f"removed {NAME}:v2\n"
    assert run("rm", f"{NAME}:dev", f"{NAME}:prod", NAME).count("removed") == 3
    assert not images_of(client)
    assert "No function is deployed yet" in run("functions")
