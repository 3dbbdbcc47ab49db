"""The recipe of docs/deploy.md, run as it stands there: from an export, with a real registry, on
machines (data folders) that know nothing of each other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import docker
import pytest
from function_images import PREFIX, images_of, remove_images
from registry_servers import RegistryServer
from waiting import until

import nbfaas
from nbfaas import Event, remote

pytestmark = [pytest.mark.docker, pytest.mark.registry, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[3]
NAME = f"{PREFIX}recipe"


class Machine:
    """A data folder, and a shell with nbfaas, Docker and nothing else of ours."""

    def __init__(self, folder: Path, registry: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        tools = folder / "bin"
        tools.mkdir(parents=True)
        program = tools / "nbfaas"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m nbfaas "$@"\n')
        program.chmod(0o755)
        self.env = {
            **os.environ,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "NBFAAS_DATA_DIR": str(self.data),
            "NBFAAS_REGISTRY": registry,
            "DOCKER_CONFIG": str(folder / "docker"),
        }

    def sh(self, script: str, cwd: Path) -> str:
        done = subprocess.run(
            ["sh", "-eu", "-c", script], cwd=cwd, env=self.env, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def recipe(registry: str, version: str) -> tuple[str, list[str]]:
    """What is run where it is built, and line by line where it is served."""
    section = (
        (ROOT / "docs/deploy.md").read_text().partition("### In CI\n")[2].partition("\n## ")[0]
    )
    built, served = re.findall(r"```sh\n(.*?)```", section, re.S)

    def ours(text: str) -> str:
        text = re.sub(r"\bthumb\b", NAME, text).replace("localhost:5000/functions", registry)
        return re.sub(r"\bv3\b", version, text)

    return ours(built), ours(served).splitlines()


def answers(http, count: int = 40) -> Counter[str]:
    replies = [http.post(f"/functions/{NAME}", json={"x": 1}) for _ in range(count)]
    assert {reply.status_code for reply in replies} == {200}
    return Counter(reply.json() for reply in replies)


def test_the_recipe_of_the_docs_takes_an_export_to_a_server_and_back(
    data, serve, client: docker.DockerClient, monkeypatch, tmp_path
):
    # Where it is written: two versions, each exported.
    work = tmp_path / "work"
    (work / ".nbfaas").mkdir(parents=True)
    monkeypatch.chdir(work)
    nbfaas.events.save(Event("order.created", {"x": 1}), "an order")
    for number, word in enumerate(("one", "two"), 1):

        def answer(x, word=word):
            return word

        remote(memory="128MB", cpu=0.5)(answer).deploy(NAME)
        nbfaas.export(f"{NAME}:v{number}", work / f"v{number}" / NAME)
        expected = work / f"v{number}" / NAME / "events/expected/answer"
        expected.mkdir(parents=True)
        (expected / "an order.json").write_text(f'{{"result": "{word}"}}')
    remove_images(client)

    registry = RegistryServer()
    registry.start()
    try:
        address = f"{registry.url}/functions"
        servers = Machine(tmp_path / "server", address)
        built, _ = recipe(address, "v1")
        told = Machine(tmp_path / "first", address).sh(built, work / "v1")
        assert "ok        an order" in told
        assert "dev leads to it" in told
        remove_images(client)
        _, (pull, _, promote, _) = recipe(address, "v1")
        servers.sh(f"{pull}\n{promote}", tmp_path)
        running = serve(f'registry = "{address}"\n', backend="docker", data=servers.data)
        with running.client() as http:
            assert answers(http) == {"one": 40}
            built, (pull, canary, promote, rollback) = recipe(address, "v2")
            Machine(tmp_path / "second", address).sh(built, work / "v2")
            assert (work / "v2" / "junit.xml").read_text().count("<testcase") == 1
            servers.sh(pull, tmp_path)
            assert "prod → v1 0.9, v2 0.1" in servers.sh(canary, tmp_path)
            until(lambda: answers(http)["two"], 30)
            assert answers(http, 100)["one"] > 60
            servers.sh(promote, tmp_path)
            until(lambda: answers(http) == {"two": 40}, 30)
            assert "prod → v1 0.9, v2 0.1" in servers.sh(rollback, tmp_path)
            assert "prod → v1\n" in servers.sh(rollback, tmp_path)
            until(lambda: answers(http) == {"one": 40}, 30)

            # The recipe file of the folder, where nobody knows that this was done before.
            again = Machine(tmp_path / "third", address)
            told = again.sh(f"sh {NAME}/ci.sh", work / "v2")
            assert "(was there already)" in told
            assert (work / "v2" / NAME / "junit.xml").exists()
            servers.sh(f"sh {NAME}/ci.sh canary 25", work / "v2")
            assert "prod → v1 0.75, v2 0.25" in servers.sh("nbfaas functions", tmp_path)
            servers.sh(f"sh {NAME}/ci.sh rollback", work / "v2")
            servers.sh(f"sh {NAME}/ci.sh promote", work / "v2")
            until(lambda: answers(http) == {"two": 40}, 30)
        assert running.stop() == 0
    finally:
        registry.close()
    remove_images(client)
    assert not images_of(client)
