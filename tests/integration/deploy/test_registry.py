"""Function images in a real registry, pinned to their digests."""

from __future__ import annotations

import json
import time

import pytest
from click.testing import CliRunner
from function_images import PREFIX, images_of, remove_images

import nbfaas
from nbfaas import remote
from nbfaas.cli import main
from nbfaas.errors import (
    ConfigurationError,
    IntegrityError,
    NotAllowed,
    NotDeployed,
    NotInRegistry,
    RegistryRefused,
    RegistryUnavailable,
)
from nbfaas.images.registry import Address
from nbfaas.notebook.commands import run_command
from nbfaas.remote.deploy import open_catalog
from nbfaas.remote.distribution import RegistryNotice, pull, push
from nbfaas.remote.registry import list_registry, prune_registry
from nbfaas.settings import config

pytestmark = [pytest.mark.docker, pytest.mark.registry]
NAME = f"{PREFIX}push"
OTHER = f"{PREFIX}other"
FACTOR = 2


def thumb(x):
    return x * FACTOR


@pytest.fixture
def deploy(data, monkeypatch):
    """Deploys a version with another factor."""

    def deploy(factor: int = 2):
        monkeypatch.setitem(globals(), "FACTOR", factor)
        return remote(thumb).deploy(NAME)

    return deploy


@pytest.fixture
def elsewhere(client, monkeypatch, tmp_path):
    """Go on as another machine would: without its images, and with an empty data folder."""

    def go() -> None:
        remove_images(client)
        assert not images_of(client)
        monkeypatch.setattr(config, "data_dir", str(tmp_path / "elsewhere"))

    return go


@pytest.mark.parametrize("service", ["docker"], indirect=True)
def test_a_pushed_function_runs_where_it_was_never_deployed(service, registry, deploy, elsewhere):
    deployed = deploy()
    pushed = push(f"{NAME}:v1")
    assert pushed.changed
    assert pushed.pin.reference.startswith(f"{config.registry}/{NAME}@sha256:")
    assert not push(NAME).changed
    elsewhere()
    pulled = pull(f"{NAME}:v1")
    assert pulled.changed
    assert pulled.pin.digest == pushed.pin.digest
    assert pulled.version.content_hash == deployed.content_hash
    function = nbfaas.deployed(NAME, "v1")
    assert function.remote(21) == 42
    assert not pull(NAME).changed
    service.dispatcher.stop_idle()


def test_what_was_deployed_here_too_may_have_what_it_asks_for(
    registry, data, client, monkeypatch, tmp_path
):
    function = remote(network=True)(thumb)
    function.deploy(NAME)
    push(NAME)
    remove_images(client)
    own = nbfaas.deployed(NAME)  # pulled, as its image was removed
    assert own.options.network
    monkeypatch.setattr(config, "data_dir", str(tmp_path / "elsewhere"))
    monkeypatch.setattr(config, "allow", {"network": True})
    pull(NAME)
    monkeypatch.setattr(config, "allow", {})
    with pytest.raises(NotAllowed, match=r"asks for the network, .* allow = { network = true }"):
        nbfaas.deployed(NAME)
    with pytest.raises(NotAllowed):
        pull(NAME)
    deployed = function.deploy(NAME)
    assert (deployed.version, deployed.built) == ("v1", True), "what came is not trusted"
    assert nbfaas.deployed(NAME).options.network
    with pytest.raises(NotAllowed):
        pull(NAME)  # would bring back what was made elsewhere
    assert nbfaas.deployed(NAME).options.network


def test_an_image_that_was_removed_is_fetched_by_its_digest(registry, deploy, client):
    deploy()
    push(NAME)
    remove_images(client)
    assert nbfaas.deployed(NAME).manifest.name == NAME
    assert images_of(client)


def test_the_same_pushed_from_elsewhere_is_taken_and_another_is_not(
    registry, deploy, elsewhere, client
):
    deploy(2)
    first = push(NAME)
    elsewhere()
    again = deploy(2)
    assert again.digest != first.version.image_id, "images have the time they were made"
    pushed = push(NAME)
    assert (pushed.changed, pushed.pin.digest) == (False, first.pin.digest)
    assert [image["Id"] for image in images_of(client)] == [first.version.image_id]
    assert nbfaas.deployed(NAME).manifest.content_hash == again.content_hash
    elsewhere()
    open_catalog().remove(NAME)
    config.data_dir += "-else"
    deploy(3)
    with pytest.raises(IntegrityError, match="a version is never overwritten"):
        push(NAME)
    assert len(images_of(client)) == 1, "what was asked for to be compared is not kept"


def test_what_a_push_takes_is_a_pulled_version_until_it_is_deployed_again(
    registry, deploy, elsewhere
):
    deploy(5)
    first = push(NAME)
    elsewhere()
    deploy(5)
    taken = push(NAME).version
    assert open_catalog().came_from_registry(taken)
    own = deploy(5)
    assert (own.version, own.built) == ("v1", True)
    assert own.digest not in (first.version.image_id, taken.image_id)
    assert not open_catalog().came_from_registry(open_catalog().version(NAME))


def test_a_tag_that_was_moved_is_not_followed(registry, deploy, client):
    deploy(2)
    first = push(f"{NAME}:v1")
    deploy(3)
    second = push(f"{NAME}:v2")
    repository = first.pin.repository
    move_tag(client, second.version.image_id, repository, "v1")
    with pytest.raises(IntegrityError, match=rf"its tag leads to {second.pin.digest}"):
        pull(f"{NAME}:v1")
    with pytest.raises(IntegrityError, match="a version is never overwritten"):
        push(f"{NAME}:v1")
    assert pull(f"{NAME}@{first.pin.digest}").version.label == "v1"


def test_a_moved_tag_is_told_even_where_nothing_is_known(registry, deploy, client, elsewhere):
    deploy(2)
    repository = push(f"{NAME}:v1").pin.repository
    deploy(3)
    move_tag(client, push(f"{NAME}:v2").version.image_id, repository, "v1")
    elsewhere()
    with pytest.raises(IntegrityError, match=f"it holds {NAME} v2"):
        pull(f"{NAME}:v1")
    assert not open_catalog().functions()


@pytest.mark.parametrize("damage", ["changed", "cut"])
def test_a_broken_layer_is_not_used(registry, deploy, elsewhere, damage):
    deploy({"changed": 11, "cut": 12}[damage])  # equal layers are kept once in a registry
    digest = push(NAME).pin.digest
    manifest = json.loads(registry.blob(digest).read_bytes())
    layer = registry.blob(manifest["layers"][-1]["digest"])
    content = layer.read_bytes()
    half = len(content) // 2
    layer.write_bytes(
        content[:half] if damage == "cut" else content[:half] + b"!" + content[half + 1 :]
    )
    elsewhere()
    with pytest.raises(IntegrityError, match="is not what was deployed"):
        pull(f"{NAME}:v1")
    assert not open_catalog().functions()


def test_a_broken_manifest_is_not_used(registry, deploy, elsewhere):
    deploy()
    digest = push(NAME).pin.digest
    blob = registry.blob(digest)
    blob.write_bytes(blob.read_bytes().replace(b'"schemaVersion": 2', b'"schemaVersion":  2'))
    elsewhere()
    with pytest.raises(IntegrityError):
        pull(f"{NAME}@{digest}")


def test_while_a_registry_is_down_what_is_here_is_used(start, deploy, client):
    registry = start()
    deploy()
    pin = push(NAME).pin
    registry.kill()
    for reference in (NAME, f"{NAME}:v1"):
        with pytest.warns(RegistryNotice, match="is here already"):
            pulled = pull(reference)
        assert (pulled.changed, pulled.pin) == (False, pin)
    assert not pull(f"{NAME}@{pin.digest}").changed, "nobody has to be asked what that is"
    assert nbfaas.deployed(NAME).manifest.name == NAME
    result = CliRunner().invoke(main, ["pull", f"{NAME}:v1"])
    assert result.exit_code == 0
    assert "can't be reached" in result.output
    remove_images(client)
    began = time.monotonic()
    with pytest.raises(RegistryUnavailable, match=registry.url):
        pull(f"{NAME}:v1")
    with pytest.raises(RegistryUnavailable):
        nbfaas.deployed(NAME)
    with pytest.raises(RegistryUnavailable):
        list_registry()
    assert time.monotonic() - began < 30


def test_a_registry_with_credentials_takes_those_of_docker(start, deploy, tmp_path, elsewhere):
    server = start(login=True)
    deploy()
    with pytest.raises(RegistryRefused, match="docker login"):
        push(NAME)
    server.log_in(tmp_path / "docker")
    digest = push(NAME).pin.digest
    assert [entry.digest for entry in list_registry()] == [digest]
    elsewhere()
    assert pull(NAME).pin.digest == digest
    (tmp_path / "docker" / "config.json").unlink()
    with pytest.raises(RegistryRefused):
        pull(NAME)


def test_a_registry_with_tls_is_used(start, deploy, elsewhere):
    start(tls=True)
    deploy()
    digest = push(NAME).pin.digest
    elsewhere()
    assert pull(f"{NAME}:v1").pin.digest == digest


def test_a_registry_of_a_network_with_tls_and_credentials_is_used(
    start, deploy, elsewhere, tmp_path, client
):
    """At an address that is not loopback nothing is let pass: neither Docker nor nbfaas does."""
    host = client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    server = start(tls=True, login=True, host=host)
    server.log_in(tmp_path / "docker")
    deploy(1)
    with pytest.raises(RegistryUnavailable, match=r"(?i)certificate"):
        push(NAME)
    with server.trusted():
        (tmp_path / "docker" / "config.json").rename(tmp_path / "logged-in.json")
        with pytest.raises(RegistryRefused, match=f"docker login {host}"):
            push(NAME)
        (tmp_path / "logged-in.json").rename(tmp_path / "docker" / "config.json")
        digests = {push(NAME).pin.digest}
        for factor in (2, 3):
            digests.add(push(f"{NAME}:{deploy(factor).version}").pin.digest)
        assert {entry.digest for entry in list_registry()} == digests
        assert not push(f"{NAME}:v2").changed
        elsewhere()
        assert pull(f"{NAME}:v1").pin.reference.startswith(
            f"{host}:{server.port}/functions/{NAME}@"
        )
        assert pull(NAME).version.label == "v3"
        open_catalog().set_alias(NAME, "prod", "v1")
        assert [gone.version for gone in prune_registry(NAME, 1)] == ["v2"]
        assert [entry.version for entry in list_registry(NAME)] == ["v3", "v1"]
        remove_images(client)
        assert nbfaas.deployed(NAME, "v1").manifest.version == "v1"
    remove_images(client)
    with pytest.raises(RegistryUnavailable, match=r"(?i)x509|certificate"):
        nbfaas.deployed(NAME, "v1")


def test_a_registry_is_listed_and_pruned(registry, deploy):
    for factor in (1, 2, 3, 4):
        push(f"{NAME}:{deploy(factor).version}")
    open_catalog().set_alias(NAME, "prod", "v1")
    assert [(e.version, e.aliases) for e in list_registry()] == [
        ("v4", ()), ("v3", ()), ("v2", ()), ("v1", ("prod",)),
    ]  # fmt: skip
    assert [e.version for e in prune_registry(NAME, 1, dry_run=True)] == ["v3", "v2"]
    assert len(list_registry()) == 4
    result = CliRunner().invoke(main, ["registry", "prune", NAME, "--keep", "1"])
    assert result.output.count("deleted") == 2
    assert [entry.version for entry in list_registry(NAME)] == ["v4", "v1"]
    result = CliRunner().invoke(main, ["registry", "prune", NAME, "--keep", "1"])
    assert result.output.startswith("Nothing to delete")
    with pytest.raises(NotInRegistry):
        prune_registry("nothing-there", 1)
    with pytest.raises(NotInRegistry, match="has no"):
        pull(f"{NAME}:v3")


def test_a_registry_that_is_not_set_is_told(deploy, monkeypatch):
    monkeypatch.setattr(config, "registry", "")
    deploy()
    with pytest.raises(ConfigurationError, match=r"nbfaas\.config\.registry"):
        push(NAME)
    told = CliRunner().invoke(main, ["deploy", "json:dumps", "--name", OTHER, "--push"])
    assert "no registry is set" in told.output
    with pytest.raises(ConfigurationError, match="no registry is set"):
        run_command("deploy", f"thumb --name {OTHER} --push")
    with pytest.raises(NotDeployed):
        open_catalog().versions(OTHER)  # nothing was deployed before that was found out
    assert str(Address.parse("localhost:5000/a/b")) == "localhost:5000/a/b"


def move_tag(client, image_id: str, repository: str, tag: str) -> None:
    """As somebody with another tool would."""
    client.api.tag(image_id, repository, tag, force=True)
    assert "error" not in client.api.push(repository, tag=tag)
