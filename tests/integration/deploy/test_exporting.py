"""Exported functions: tested with saved events, and deployed as what they were."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from function_images import PREFIX, remove_images

import nbfaas
from nbfaas import Image, on, remote
from nbfaas.cli import main
from nbfaas.errors import (
    BadDeployment,
    ExportRefused,
    IntegrityError,
    ManifestUnreadable,
    RuntimeDiffers,
)
from nbfaas.pipeline.deploying import deploy_export
from nbfaas.pipeline.exported import read_export
from nbfaas.remote.deploy import open_catalog
from nbfaas.remote.trigger_specs import recording_only
from nbfaas.settings import config

pytestmark = pytest.mark.docker
NAME = f"{PREFIX}pay"
LARGE = {"type": ["order.created"], "data": {"total": [{"numeric": [">", 100]}]}}


def pay(total, context):
    print("for", context.trigger)
    if total > 1000:
        raise ValueError("too much")
    return {"paid": total, "calls": context.state.incr("calls")}


def ran(*arguments: object):
    return CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.fixture
def project(data, tmp_path, monkeypatch):
    """A project with saved events, and a function that is deployed."""
    folder = tmp_path / "project"
    (folder / ".nbfaas").mkdir(parents=True)
    monkeypatch.chdir(folder)
    for name, total in (("huge", 5000), ("large", 250), ("small", 50)):
        event = nbfaas.Event(
            "order.created", {"total": total}, id=name, time="2026-01-01T00:00:00Z"
        )
        nbfaas.events.save(event, name)
    nbfaas.events.save(nbfaas.Event("other"), "other")
    with recording_only():
        on.event(LARGE, name="large-orders")(remote(memory="128MB", cpu=0.5)(pay)).deploy(NAME)
    return folder


def files_of(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_an_export_is_complete_the_same_again_and_overwrites_nothing(project):
    assert ran("export", NAME, "out").exit_code == 0
    first = files_of(project / "out")
    assert {"Dockerfile", "README.md", "ci.sh", "manifest.json", "payload.bin"} <= first.keys()
    assert [name for name in first if name.startswith("events/")] == [
        "events/huge.json", "events/large.json",
    ]  # fmt: skip
    assert first["events/large.json"] == (project / ".nbfaas/events/large.json").read_bytes()
    assert b"def pay(total, context):" in first["source.py"]
    assert nbfaas.export(f"{NAME}:v1", "again", names=["small"]).saved == ("small",)
    second = files_of(project / "again")
    same = ("Dockerfile", "manifest.json", "payload.bin", "source.py", "requirements.txt", "ci.sh")
    assert {name: first[name] for name in same} == {name: second[name] for name in same}
    nbfaas.export(NAME, "out")
    assert files_of(project / "out") == first
    (project / "out" / "source.py").write_text("mine")
    with pytest.raises(ExportRefused, match=r"\(source\.py\)"):
        nbfaas.export(NAME, "out")
    nbfaas.export(NAME, "again")
    assert not (project / "again/events/small.json").exists(), "what was exported before goes"


def test_saved_events_are_run_in_a_container_and_compared(project, tmp_path):
    nbfaas.export(NAME, "out", names=["huge", "large", "small"])
    plain = ran("test", "out")
    assert plain.exit_code == 1, plain.output
    assert "FAILED    huge  (large-orders, " in plain.stdout
    assert "it raised ValueError: too much" in plain.stdout
    assert "| for large-orders" in plain.stdout
    assert ran("test", "out", "--update", "--event", "huge").exit_code == 0
    update = ran("test", "out", "--update", "--event", "large", "--event", "small")
    assert update.exit_code == 0, update.output
    assert "recorded  large" in update.stdout
    expected = project / "out/events/expected/pay"
    assert json.loads((expected / "small.json").read_text()) == {"triggers": []}
    assert json.loads((expected / "large.json").read_text()) == {
        "result": {"paid": 250, "calls": 1},
        "triggers": ["large-orders"],
    }
    junit = tmp_path / "junit.xml"
    again = ran("test", "out", "--junit", junit)
    assert again.exit_code == 0, again.output
    assert "3 ok, 0 failed" in again.stdout
    assert 'failures="0"' in junit.read_text()
    by_hand = {"matches": {"result": {"paid": [{"numeric": ["<", 100]}]}}}
    (expected / "large.json").write_text(json.dumps(by_hand))
    wrong = ran("test", "out", "--update")
    assert wrong.exit_code == 1
    assert "wanted < 100, found 250" in wrong.stdout
    assert json.loads((expected / "large.json").read_text()) == by_hand
    assert nbfaas.State(NAME).get("calls") is None, "nothing of it is kept"
    assert ran("export", NAME, "out", "--event", "large").exit_code == 0
    assert (expected / "large.json").exists(), "expectations that were made there stay"


def test_what_cannot_be_tested_ends_with_2(project):
    for place, text in (
        ("nowhere.py:pay", "there is no such file"),
        (".", "there is no manifest.json"),
        ("out", "it has no event"),
    ):
        if place == "out":
            nbfaas.export(NAME, "out")
            for event in (project / "out/events").glob("*.json"):
                event.unlink()
        found = ran("test", place, "--backend", "process")
        assert (found.exit_code, text in found.output) == (2, True), found.output


def test_a_function_in_a_file_is_tested_with_the_events_of_its_project(project):
    (project / "paying_file.py").write_text("def pay(data):\n    return data['total'] * 2\n")
    found = ran("test", "paying_file.py:pay", "--event", "large", "--backend", "process")
    assert found.exit_code == 0, found.output
    assert "large  (no trigger takes it, " in found.stdout


def test_the_folder_is_deployed_as_the_version_that_was_exported(project, client, monkeypatch):
    there = open_catalog().version(NAME)
    layers = client.api.inspect_image(there.image_id)["RootFS"]["Layers"]
    nbfaas.export(NAME, "out")
    remove_images(client)
    monkeypatch.setattr(config, "data_dir", str(project / "fresh"))
    first = ran("deploy", "out", "--alias", "dev")
    assert first.exit_code == 0, first.output
    deployed = deploy_export("out")
    assert (deployed.version, deployed.built) == ("v1", False)
    assert deployed.content_hash == there.content_hash
    assert client.api.inspect_image(deployed.digest)["RootFS"]["Layers"] == layers
    assert open_catalog().alias(NAME, "dev").version == 1
    renamed = deploy_export("out", f"{NAME}-2")
    assert (renamed.version, renamed.content_hash) == ("v1", there.content_hash)
    remote(len).deploy(NAME)  # v2 here
    nbfaas.export(f"{NAME}:v2", "other")
    monkeypatch.setattr(config, "data_dir", str(project / "elsewhere"))
    deployed = deploy_export("other")
    assert deployed.version == "v2", "it keeps its number"
    remote(abs).deploy(f"{NAME}-3")
    nbfaas.export(f"{NAME}-3", "abs")
    monkeypatch.setattr(config, "data_dir", str(project / "data4"))
    remote(len).deploy(f"{NAME}-3")
    with pytest.raises(IntegrityError, match="Deploy it under another name"):
        deploy_export("abs")


@pytest.mark.parametrize("service", ["docker"], indirect=True)
def test_what_docker_builds_of_it_is_the_same_version_and_runs(
    service, project, client, monkeypatch
):
    there = open_catalog().version(NAME)
    nbfaas.export(NAME, "out")
    remove_images(client)
    tag = f"{NAME}:built"
    subprocess.run(["docker", "build", "-q", "-t", tag, "out"], check=True, capture_output=True)
    monkeypatch.setattr(config, "data_dir", str(project / "fresh"))
    deployed = deploy_export("out", image=tag, alias="dev")
    assert deployed.content_hash == there.content_hash
    assert deployed.digest == client.api.inspect_image(tag)["Id"]
    function = nbfaas.deployed(NAME, "dev")
    assert function.remote(7)["paid"] == 7
    service.dispatcher.stop_idle()
    other = client.api.inspect_image(tag)["Config"]["Labels"]["dev.nbfaas.runtime"]
    with pytest.raises(ManifestUnreadable):
        deploy_export("out", image=other)


def test_a_module_and_packages_go_along(data, tmp_path, monkeypatch, client):
    monkeypatch.chdir(tmp_path)
    package = tmp_path / "along_with_it"
    package.mkdir()
    (package / "__init__.py").write_text("from along_with_it.inner import VALUE\n")
    (package / "inner.py").write_text("VALUE = 7\n")
    image = Image.python().pip_install("idna==3.10").add_local_python_source(str(package))

    def use(x):
        import along_with_it
        import idna

        return [x * along_with_it.VALUE, idna.__version__]

    remote(image=image)(use).deploy(NAME)
    nbfaas.export(NAME, "out")
    assert (tmp_path / "out/sources/along_with_it/inner.py").read_text() == "VALUE = 7\n"
    assert "idna==3.10\n" in (tmp_path / "out/requirements.txt").read_text()
    (tmp_path / "out/events").mkdir()
    event = nbfaas.Event("x", {"x": 6})
    (tmp_path / "out/events/six.json").write_bytes(event.to_json())
    expected = tmp_path / "out/events/expected/use"
    expected.mkdir(parents=True)
    (expected / "six.json").write_text('{"result": [42, "3.10"]}')
    found = ran("test", "out")
    assert found.exit_code == 0, found.output
    content = open_catalog().version(NAME).content_hash
    monkeypatch.setattr(config, "data_dir", str(tmp_path / "fresh"))
    assert deploy_export("out").content_hash == content
    (tmp_path / "out/sources/along_with_it/inner.py").write_text("VALUE = 8\n")
    with pytest.raises(IntegrityError, match="sources"):
        deploy_export("out")


def test_a_canary_s_alias_is_not_exported_by_chance(project, monkeypatch):
    remote(abs).deploy(NAME)
    open_catalog().set_alias(NAME, "prod", "v1", "v2", 0.5)
    with pytest.raises(BadDeployment, match="it leads to two versions; name one of them"):
        nbfaas.export(f"{NAME}:prod", "out")
    with pytest.raises(BadDeployment, match=r"names=\[…\] chooses saved ones"):
        nbfaas.export(NAME, "out", events=["large order"])  # type: ignore[arg-type]
    assert ran("alias", NAME, "prod").exit_code == 2
    assert ran("alias", NAME, "prod", "--canary", "v2", "--percent", "5").stdout == (
        "prod → v1 0.95, v2 0.05\n"
    )


def test_real_events_go_along_when_asked_for(service_of_events, project):
    function = on.event(LARGE, name="large-orders")(remote(pay))
    for total in (300, 400, 50, 500):
        nbfaas.emit("order.created", {"total": total})
    nbfaas.triggers.drain()
    written = nbfaas.export(NAME, "out", events=2)
    assert len(written.real) == 2
    totals = [
        json.loads((project / f"out/events/{name}.json").read_text())["data"]["total"]
        for name in written.real
    ]
    assert sorted(totals) == [400, 500]
    assert "a real one, as it was accepted" in (project / "out/README.md").read_text()
    for trigger in list(function.triggers):
        nbfaas.triggers[trigger.name].remove()


@pytest.fixture
def service_of_events(data, monkeypatch):
    """A service on the process backend, whose store is in the data folder."""
    from nbfaas.service import close_service, set_notify

    monkeypatch.setattr(config, "backend", "process")
    close_service()
    set_notify(lambda message: None)
    yield
    close_service()
    set_notify(None)


def test_packages_are_had_in_the_versions_of_then_or_it_is_told(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    remote(image=Image.python().pip_install("idna==3.7"))(abs).deploy(NAME)
    nbfaas.export(NAME, "out")
    monkeypatch.setattr(config, "data_dir", str(tmp_path / "fresh"))
    # As if no version had been asked for, and newer ones had come out since.
    content = change_image("out", pip=("idna",))
    assert deploy_export("out").content_hash == content
    assert open_catalog().version(NAME).manifest.image.packages == {"idna": "3.7"}
    change_image("out", pip=("idna==3.7",), packages={})
    with pytest.raises(RuntimeDiffers, match=r"idna is 3\.7 instead of not there"):
        deploy_export("out")


def change_image(folder: str, **changes: object) -> str:
    """Rewrite an export's manifest, and return its content hash."""
    manifest = read_export(folder).manifest
    image = msgspec.structs.replace(manifest.image, **changes)
    manifest = msgspec.structs.replace(manifest, image=image).sealed()
    Path(folder, "manifest.json").write_bytes(manifest.to_json())
    return manifest.content_hash


def test_without_docker_the_way_without_it_is_told(project):
    nbfaas.export(NAME, "out")
    root = str(Path(nbfaas.__file__).parents[1])
    nowhere = {**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock", "PYTHONPATH": root}
    command = [sys.executable, "-m", "nbfaas", "test", "out", "--event", "large"]
    found = subprocess.run(command, env=nowhere, capture_output=True, text=True)
    assert found.returncode == 2
    assert "--backend process needs no Docker" in found.stderr
    subprocess.run([*command, "--backend", "process"], env=nowhere, capture_output=True, check=True)
