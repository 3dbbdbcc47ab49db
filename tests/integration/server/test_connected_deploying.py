"""A notebook that works on a server deploys there: the server builds, enters and serves it."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from function_images import PREFIX, images_of
from waiting import until

import nbfaas
from nbfaas import Image, Secret, on, remote
from nbfaas.catalog import Catalog
from nbfaas.errors import (
    BackendUnavailable,
    BadDeployment,
    ImageBuildFailed,
    NotDeployable,
    NotDeployed,
    NothingToRollBack,
    NotOnServer,
    PayloadTooLarge,
    ServerRefused,
    UnknownVersion,
)
from nbfaas.remote.deploy import open_images
from nbfaas.service import get_service, set_notify
from nbfaas.settings import config

pytestmark = pytest.mark.docker
NAME = f"{PREFIX}sent"
CALLER, BOSS = "caller-0123456789", "boss-0123456789-x"
small = remote(memory="128MB", cpu=0.5)


def double(x: int = 1) -> int:
    """Doubles."""
    return 2 * x


def triple(x: int = 1) -> int:
    return 3 * x


@pytest.fixture
def there(data, tmp_path) -> Path:
    """The server's data folder, which is not the notebook's."""
    return tmp_path / "there"


@pytest.fixture
def running(serve, there):
    return serve(data=there)


@pytest.fixture
def server(running):
    with nbfaas.connect(running.url, token=running.token) as server:
        yield server


@pytest.fixture
def known(there) -> Catalog:
    """The server's catalog."""
    return Catalog(there / "catalog.db")


def test_a_function_is_deployed_on_the_server_and_served_at_once(server, running, known, catalog):
    deployed = small(double).deploy(NAME, alias="prod")
    assert (deployed.version, deployed.built, deployed.alias) == ("v1", True, "prod")
    assert deployed.server == running.url
    assert deployed.served == f"Served as {NAME} (prod → v1)."
    assert {"package", "sending", "runtime", "image", "catalog"} == set(deployed.stages)
    assert str(deployed).startswith(f"{NAME} v1 on {running.url}: deployed in ")

    assert nbfaas.deployed(NAME).remote(4) == 8
    assert server.functions == [NAME]
    with running.client() as http:
        assert http.post(f"/functions/{NAME}", json={"x": 21}).json() == 42
        told = http.get(f"/functions/{NAME}").json()
    assert (told["state"], told["content_hash"]) == ("served", deployed.content_hash)

    version = known.version(NAME, "prod")
    assert (version.number, version.image_id) == (1, deployed.digest)
    assert version.manifest.doc == "Doubles."
    assert "return 2 * x" in version.manifest.source
    assert catalog.functions() == []  # nothing of it is in the notebook's data folder
    assert f"has deployed {NAME} v1, prod leads to it" in running.told
    with pytest.raises(NotOnServer, match="exporting is not there while"):
        nbfaas.export(NAME, "folder")


def test_the_same_function_is_the_same_version_there_as_here(server, running, known, client):
    first = small(double).deploy(NAME, alias="prod")
    again = small(double).deploy(NAME)
    assert (again.version, again.built, again.digest) == ("v1", False, first.digest)
    assert (small(triple).deploy(NAME).version, small(double).deploy(NAME).version) == ("v2", "v1")
    assert [each.number for each in known.versions(NAME)] == [2, 1]
    assert len(images_of(client, NAME)) == 2
    server.close()
    here = small(double).deploy(NAME)
    assert here.server is None
    assert here.content_hash == first.content_hash


def test_the_notebook_needs_no_docker(server, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert small(double).deploy(NAME).version == "v1"


def test_a_new_version_takes_the_olds_place_without_a_failed_call(server, running):
    small(double).deploy(NAME, alias="prod")
    replies: list[tuple[int, int]] = []
    over = threading.Event()

    def call() -> None:
        with running.client() as http:
            while not over.is_set():
                reply = http.post(f"/functions/{NAME}", json={"x": 1})
                replies.append((reply.status_code, reply.json()))

    calling = threading.Thread(target=call)
    calling.start()
    try:
        until(lambda: len(replies) > 5)
        other = small(triple).deploy(NAME)
        assert other.served == (
            f"The server goes on with {NAME} (prod → v1); this one is {NAME}:v2 there. To serve it "
            f"instead: %faas alias {NAME} prod v2."
        )
        assert nbfaas.deployed(NAME, "v2").remote(2) == 6
        assert nbfaas.deployed(NAME).remote(2) == 4
        moved = small(triple).deploy(NAME, alias="prod")
        assert (moved.built, moved.served) == (False, f"Served as {NAME} (prod → v2).")
        assert nbfaas.deployed(NAME).remote(2) == 6
    finally:
        over.set()
        calling.join()
    assert {status for status, _ in replies} == {200}
    assert {result for _, result in replies} <= {2, 3}


def test_what_the_configuration_does_not_name_is_not_served_but_found_by_the_notebook(
    serve, there, running, known
):
    with nbfaas.connect(running.url, token=running.token):
        small(double).deploy(NAME, alias="prod")
        lonely = small(triple).deploy(f"{NAME}-b")
        assert lonely.served == (
            f"Not served yet, as no alias prod leads to it: %faas alias {NAME}-b prod v1. This "
            f"notebook may call it: nbfaas.deployed('{NAME}-b', 'v1')."
        )
    running.kill()
    more = f'functions = ["{NAME}"]\n[[tokens]]\nenv = "CALLER"\nrole = "invoke"\n'
    more += '[[tokens]]\nenv = "BOSS"\nrole = "admin"\n'
    chosen = serve(more, data=there, env={"CALLER": CALLER, "BOSS": BOSS})
    with nbfaas.connect(chosen.url, token=BOSS) as server:
        deployed = small(triple).deploy(f"{NAME}-c", alias="prod")
        assert deployed.version == "v1"
        assert f'functions in {chosen.file} does not name it: put "{NAME}-c"' in deployed.served
        found = nbfaas.deployed(f"{NAME}-c")
        assert "now v1" in repr(found)
        assert (found.remote(5), list(found.map([1, 2]))) == (15, [3, 6])
        assert server.function(f"{NAME}-c:prod").remote(5) == 15
        assert server.functions == [NAME]  # nobody else has it
        chosen.token = CALLER
        with chosen.client() as http:
            for path in (f"/functions/{NAME}-c", f"/functions/{NAME}-c:v1"):
                assert http.get(path).status_code == 404
                assert http.post(path, json={"x": 1}).status_code == 404
        with pytest.raises(ServerRefused, match=f"no function is served as '{NAME}-d'"):
            nbfaas.deployed(f"{NAME}-d")
        with pytest.raises(ServerRefused, match=f"no function is served as '{NAME}-c:v2'"):
            nbfaas.deployed(f"{NAME}-c", "v2")


def test_it_gets_what_it_asks_for_as_what_is_deployed_there(server, running):
    @on.http("POST", "/sum")
    @remote(memory="128MB", network=True, secrets=[Secret.from_env("PATH")])
    def wide(context, x: int = 1) -> int:
        return x + len(context.secrets["PATH"])

    deployed = wide.deploy(NAME, alias="prod")
    # The notebook's own trigger is there until the notebook is gone; that is told.
    assert deployed.served.startswith(f"Served as {NAME} (prod → v1). the trigger 'wide-http' of ")
    assert "once the notebook has removed its own" in deployed.served
    with running.client() as http:
        assert http.post(f"/functions/{NAME}", json={"x": 1}).json() > 1


def test_local_modules_go_along_and_progress_is_told(running, tmp_path):
    package = tmp_path / f"only_here_{os.getpid()}"
    package.mkdir()
    (package / "__init__.py").write_text(f"VALUE = {time.time_ns()}\n")
    (package / "more.py").write_text("from . import VALUE\n")
    value = int((package / "__init__.py").read_text().split()[2])
    image = Image.python().add_local_python_source(str(package))
    name = package.name

    def read(wanted: str):
        import importlib

        return importlib.import_module(f"{wanted}.more").VALUE

    told: list[str] = []
    set_notify(told.append)
    config.show_progress = True
    try:
        with nbfaas.connect(running.url, token=running.token):
            function = remote(image=image, memory="128MB")(read)
            deployed = function.deploy(NAME)
            until(lambda: any("adding the function" in line for line in told))
            assert any("adding local Python sources" in line for line in told)
            assert all(line.startswith("on the server: ") for line in told)
            assert function.deploy(NAME).built is False
            (package / "more.py").write_text("VALUE = 0\n")
            changed = function.deploy(NAME)
        assert (deployed.version, changed.version) == ("v1", "v2")
        sources = _files_of(deployed.digest, name)
        assert sources[f"{name}/__init__.py"] == f"VALUE = {value}\n".encode()
    finally:
        set_notify(None)
        with open_images() as images:
            images.remove(str(image.spec))


def _files_of(image_id: str, name: str) -> dict[str, bytes]:
    with open_images() as images:
        return {
            path: data
            for path, data in images.functions.sources(image_id).items()
            if path.startswith(name)
        }


def test_the_server_never_opens_what_it_is_sent(server, known, tmp_path):
    mark = tmp_path / "opened"

    class Opening:
        def __reduce__(self):
            return Path.touch, (mark,)

    thing = Opening()
    function = small(lambda: thing)
    function.deploy(NAME, alias="prod")
    assert nbfaas.deployed(NAME).name == NAME
    assert known.version(NAME).number == 1
    assert not mark.exists()


def test_a_build_that_fails_is_told_with_its_error_and_leaves_nothing(server, running, known):
    image = Image.python().pip_install("no-such-package-nbfaas-7")
    function = remote(image=image, memory="128MB")(double)
    with pytest.raises(ImageBuildFailed, match="no-such-package-nbfaas-7") as caught:
        function.deploy(NAME, alias="prod")
    assert f"(On the server {running.url}.)" in caught.value.__notes__
    assert known.functions() == []
    with pytest.raises(BadDeployment, match="alias='v2' is not valid"):
        small(double).deploy(NAME, alias="v2")
    assert small(double).deploy(NAME).version == "v1"


def test_what_is_too_large_is_refused_before_it_is_sent(serve, there):
    running = serve("session_limit = 1048576\n", data=there)
    data = os.urandom(1 << 20)
    with nbfaas.connect(running.url, token=running.token):
        with pytest.raises(PayloadTooLarge, match="the limit is 1 MB") as caught:
            small(lambda: len(data)).deploy(NAME)
        assert "session_limit" in caught.value.__notes__[0]


def test_a_server_without_docker_says_so(serve, there):
    running = serve(data=there, env={"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    with nbfaas.connect(running.url, token=running.token):
        with pytest.raises(BackendUnavailable, match=r"/nowhere/docker\.sock") as caught:
            small(double).deploy(NAME)
        assert caught.value.__notes__ == [f"(On the server {running.url}.)"]


def test_aliases_are_led_and_rolled_back_from_the_notebook(server, running, known):
    small(double).deploy(NAME, alias="prod")
    small(triple).deploy(NAME)
    assert server.set_alias(NAME, "prod", canary="v2", weight=0.25) == "prod → v1 0.75, v2 0.25"
    assert server.set_alias(NAME, "prod", "v2") == "prod → v2"
    assert nbfaas.deployed(NAME).remote(2) == 6
    assert server.rollback(NAME, "prod") == "prod → v1 0.75, v2 0.25"
    assert server.set_alias(NAME, "prod", "v1") == "prod → v1"
    assert nbfaas.deployed(NAME).remote(2) == 4
    assert known.alias(NAME, "prod").version == 1
    with pytest.raises(UnknownVersion, match="no version or alias 'v7'"):
        server.set_alias(NAME, "prod", "v7")
    with pytest.raises(UnknownVersion, match="'dev'"):
        server.set_alias(NAME, "dev", canary="v2", weight=0.5)
    with pytest.raises(BadDeployment, match="the alias shall lead to"):
        server.set_alias(NAME, "prod")
    with pytest.raises(BadDeployment, match="weight"):
        server.set_alias(NAME, "prod", "v1", canary="v2", weight=7)
    with pytest.raises(NotDeployed, match="no function is deployed as"):
        server.rollback(f"{NAME}-z", "prod")
    server.set_alias(NAME, "new", "v1")
    with pytest.raises(NothingToRollBack):
        server.rollback(NAME, "new")
    with pytest.raises(NotDeployable, match="deployed already"):
        nbfaas.deployed(NAME).deploy()
    assert get_service().catalog._asked == {}
