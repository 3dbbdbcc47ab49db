"""What a server tells an operator when something is not as it should be."""

from __future__ import annotations

import json

import pytest
from function_images import PREFIX
from waiting import until

from nbfaas import on, remote
from nbfaas.remote.trigger_specs import recording_only

pytestmark = pytest.mark.docker
NAME = f"{PREFIX}trouble"


def same(x: int = 0):
    return x


def other(x: int = 0):
    return [x]


def small(function, *triggers):
    """Deployable; ``triggers`` are decorators of ``on``."""
    with recording_only():
        made = remote(memory="128MB", cpu=0.5)(function)
        for trigger in triggers:
            trigger(made)
        return made


def state_of(running, name: str) -> str:
    with running.client() as client:
        return client.get(f"/functions/{name}").json()["state"]


def test_without_docker_nothing_is_started_unless_that_is_asked_for(data, serve):
    running = serve()
    running.stop()
    nowhere = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    running.file.write_text(f'port = 0\ndata_dir = "{data}"\n')
    refused = running.cli("serve", "--config", str(running.file), env=nowhere)
    assert refused.returncode == 1
    assert "backend: auto needs Docker, and there is no Docker socket" in refused.stderr
    assert "Start Docker Engine" in refused.stderr
    assert 'write backend = "process"' in refused.stderr
    assert "nbfaas.config" not in refused.stderr
    assert "listening" not in refused.stderr
    knowingly = serve(env=nowhere)  # backend = "process"
    assert "NOT isolated" in knowingly.told


@pytest.mark.parametrize("removes", ["alias", "version"])
def test_what_was_removed_goes_on_and_is_told_once(catalog, serve, removes):
    function = small(same)
    function.deploy(NAME, alias="prod")
    running = serve(f'functions = ["{NAME}{":v1" if removes == "version" else ""}"]\n')
    what = f"{NAME}:{'prod' if removes == 'alias' else 'v1'}"
    assert state_of(running, NAME) == "served"
    catalog.remove_alias(NAME, "prod")
    if removes == "version":
        catalog.remove(NAME, "v1")
    until(lambda: "was removed from the catalog" in running.told)
    assert f"{what} was removed from the catalog; v1 goes on until this server ends" in running.told
    assert f"nbfaas alias {NAME} prod v1" in running.told
    assert state_of(running, NAME) == "removed"
    with running.client() as client:
        assert client.post(f"/functions/{NAME}", json={"x": 3}).json() == 3
        assert client.post("/admin/reload").json() == {"changes": []}, "told once"
        assert client.get("/readyz").status_code == 200
    function.deploy(NAME)
    catalog.set_alias(NAME, "prod", "latest")
    if removes == "alias":
        until(lambda: f"{what} is in the catalog again" in running.told)
        assert state_of(running, NAME) == "served"
    assert running.told.count("was removed from the catalog") == 1


def test_a_route_that_two_functions_want_is_told_with_their_versions(data, catalog, serve):
    small(same).deploy(f"{NAME}-b", alias="prod")
    small(same, on.http("GET", "/same", name="a-get")).deploy(f"{NAME}-a", alias="prod")
    running = serve()
    small(other, on.http("GET", "/same", name="b-get")).deploy(f"{NAME}-b", alias="prod")
    told = (
        f"the trigger 'b-get' of {NAME}-b v2 does not work: GET /same leads to the trigger 'a-get' "
        f"of {NAME}-a v1, and goes on doing so. Deploy one of the two functions with another path, "
        f"or take one back: nbfaas rollback {NAME}-b prod."
    )
    until(lambda: told in running.told)
    with running.client() as client:
        assert client.post(f"/functions/{NAME}-b", json={"x": 3}).json() == [3]
        assert client.get("/same").json() == 0
        assert client.post("/admin/reload").status_code == 200
    assert running.told.count(told) == 1
    small(same).deploy(f"{NAME}-a", alias="prod")  # it gives the route up
    with running.client() as client:
        until(lambda: client.get("/same").json() == [0])


def test_a_trigger_of_the_version_before_gives_its_route_and_name_up(data, serve):
    small(same, on.http("GET", "/x", name="one"), on.http("GET", "/y", name="two")).deploy(
        NAME, alias="prod"
    )
    running = serve()
    with running.client() as client:
        assert client.get("/x").json() == 0
        # Renamed, and the two have exchanged their paths.
        small(other, on.http("GET", "/y", name="one"), on.http("GET", "/x", name="three")).deploy(
            NAME, alias="prod"
        )
        until(lambda: "now prod → v2" in running.told)
        until(lambda: client.get("/x").json() == [0])
        assert client.get("/y").json() == [0]
        names = {row["name"] for row in client.get("/admin/triggers").json()["triggers"]}
        assert {"one", "three"} <= names
        assert "two" not in names
    assert "does not work" not in running.told


def test_a_name_that_two_triggers_want_is_told_with_both_functions(data, serve):
    small(same, on.every(3600, name="hourly")).deploy(f"{NAME}-a", alias="prod")
    small(other, on.every(3600, name="hourly")).deploy(f"{NAME}-b", alias="prod")
    running = serve()
    assert (
        f"the trigger 'hourly' of {NAME}-b v1 does not work: a trigger of {NAME}-a v1 has this "
        "name. Deploy one of the two functions with another name for its trigger."
    ) in running.told


def test_a_function_without_an_alias_is_told_how_to_get_one(data, serve):
    running = serve()
    running.stop()
    assert "no function has an alias prod yet: nbfaas alias NAME prod VERSION" in running.told
    small(same).deploy(NAME)
    running.file.write_text(f'port = 0\nbackend = "process"\ndata_dir = "{data}"\n'
                            f'functions = ["{NAME}"]\n')  # fmt: skip
    wrong = running.cli("serve", "--config", str(running.file))
    assert wrong.returncode == 1
    assert f"nbfaas alias {NAME} prod VERSION" in wrong.stderr
    assert wrong.stderr.count("has no alias 'prod'") == 1, "told once"


@pytest.mark.parametrize("folder", ["/proc/nbfaas", "{file}/below"])
def test_a_data_folder_that_can_t_be_made_is_told(data, serve, tmp_path, folder):
    running = serve()
    running.stop()
    (tmp_path / "file").write_text("")
    folder = folder.format(file=tmp_path / "file")
    running.file.write_text(f'port = 0\nbackend = "process"\ndata_dir = {json.dumps(folder)}\n')
    wrong = running.cli("serve", "--config", str(running.file))
    assert wrong.returncode == 1
    assert f"the data folder {folder} can't be used: " in wrong.stderr
    assert f"data_dir in {running.file}" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_a_store_that_is_held_is_told_with_the_key_of_the_configuration(data, serve):
    running = serve()
    second = running.cli("serve", "--config", str(running.file), "--port", "0")
    assert second.returncode == 1
    assert "is held by" in second.stderr
    assert 'event_store = "another-name", or another data_dir, in' in second.stderr
    assert "nbfaas.config" not in running.told + second.stderr


def test_dead_letters_that_are_not_there_can_t_be_sent_again(data, serve):
    def fails(x: int = 0):
        raise ValueError(x)

    small(fails).deploy(NAME, alias="prod")
    running = serve()
    for arguments, message in (
        (["redrive", "77"], "77: no dead letter has this number; `nbfaas dlq` lists"),
        (["purge", "77"], "77: no dead letter has this number"),
        (["redrive", "--trigger", "nope"], "there is no dead letter of a trigger 'nope'"),
    ):
        told = running.cli("dlq", *arguments)
        assert told.returncode == 1
        assert message in told.stderr
    assert running.cli("dlq", "purge", "--all").stdout == "0 dead letters forgotten\n"
    with running.client() as client:
        client.post(f"/functions/{NAME}?async=1", json={})
        until(lambda: client.get("/admin/dlq").json()["dead_letters"])
        (letter,) = client.get("/admin/dlq").json()["dead_letters"]
    partly = running.cli("dlq", "redrive", str(letter["number"]), "7777")
    assert partly.returncode == 1
    assert "only 1 dead letter will be delivered again" in partly.stderr


def test_ready_is_503_on_an_open_connection_while_the_server_drains(data, serve):
    def slow():
        import time

        time.sleep(6)

    remote(memory="128MB", cpu=0.5)(slow).deploy(NAME, alias="prod")
    running = serve()
    with running.client() as client, running.client() as probe:
        assert probe.get("/readyz").status_code == 200
        client.post(f"/functions/{NAME}?async=1", json={})
        until(lambda: "BUSY" in client.get("/admin/ps").text)
        running.signal()
        until(lambda: "SIGTERM: closing" in running.told)
        assert probe.get("/readyz").status_code == 503
    assert running.process is not None
    assert running.process.wait(60) == 0
